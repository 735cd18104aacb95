package import Server

/// A `multipart/form-data` body read strictly: every part must be known, and only the repeatable ones may repeat.
package struct Form {
    private let parts: [Part]

    package init(_ parts: [Part], single: [String], repeated: [String] = []) throws(Problem) {
        var seen: Set<String> = []
        for part in parts where !repeated.contains(part.name) {
            guard single.contains(part.name) else {
                guard !single.contains("prompts") || !PromptsRequest.names.contains(where: part.name.hasPrefix) else {
                    throw Problem(
                        .unknownField, "\(Quoted(part.name)) is no part of its own",
                        field: String(part.name.prefix(80)),
                        hint:
                            "say it in the part prompts: -F 'prompts={\"boxes\": [{\"x0\": 10, \"y0\": 20, \"x1\": 110, \"y1\": 90}]}'"
                    )
                }
                throw Problem.unknown(String(part.name.prefix(80)), name: part.name, known: single + repeated)
            }
            guard seen.insert(part.name).inserted else {
                throw Problem.invalid(part.name, "the part \"\(part.name)\" stands twice", hint: "send it once")
            }
        }
        self.parts = parts
    }

    package subscript(name: String) -> Part? { parts.first { $0.name == name } }

    package func all(_ name: String) -> [Part] { parts.filter { $0.name == name } }

    /// The JSON of the part `name`.
    ///
    /// - Parameter byteLimit: Enough for a few hundred prompts by default; images travel as parts of their own.
    package func json(_ name: String, byteLimit: Int = 1 << 20) throws(Problem) -> JSON? {
        guard let part = self[name] else { return nil }
        let bytes = try part.bytes(limit: byteLimit)
        do throws(Problem) {
            return try JSON.parse(
                bytes, field: name, limits: .init(maximumByteCount: byteLimit, maximumDepth: 16))
        } catch {
            var problem = error
            problem.hint = Self.hint(bytes, of: name) ?? error.hint
            throw problem
        }
    }

    /// What was probably meant by a value that is no JSON; nil where nobody knows.
    private static func hint(_ bytes: [UInt8], of name: String) -> String? {
        guard bytes.count <= 256, let text = String(validating: bytes, as: UTF8.self)?.trimmingWhitespace else {
            return nil
        }
        if text.isEmpty { return "it is empty: leave the part out, or give it a value" }
        switch (name, text.lowercased()) {
        case (_, "true"), (_, "false"): return "write \(text.lowercased())"
        case ("spacing_mm", _): return "write [1.4, 1.4], or one number for both"
        default: return text.looksLikeFileName ? "with curl, write @ before the file's name: -F \(name)=@\(text)" : nil
        }
    }

    /// The text of the part `name`, without the spaces and line ends around it.
    package func text(_ name: String, maximumByteCount: Int = 1_024) throws(Problem) -> String? {
        guard let part = self[name] else { return nil }
        let bytes = try part.bytes(limit: maximumByteCount)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Problem.invalid(name, "the part \"\(name)\" is not UTF-8", hint: "send UTF-8")
        }
        return text.trimmingWhitespace
    }
}

extension Part {
    /// What to call the part in a message: its file name if it has one.
    var label: String { filename.map { Quoted($0).description } ?? "the part \"\(name.prefix(80))\"" }

    func bytes(limit: Int) throws(Problem) -> [UInt8] { try content.bytes(field: name, limit: limit) }
}

extension Content {
    /// The bytes in memory; 413 above `limit`.
    func bytes(field: String, limit: Int) throws(Problem) -> [UInt8] {
        try check(field: field, limit: limit)
        do {
            return try bytes()
        } catch {
            throw Problem(error)
        }
    }

    /// Makes it a file at `path`, without a copy where it is one already; 413 above `limit`.
    func move(to path: String, field: String, limit: Int) throws(Problem) {
        try check(field: field, limit: limit)
        do {
            try move(to: path)
        } catch {
            throw Problem(error)
        }
    }

    private func check(field: String, limit: Int) throws(Problem) {
        guard count <= limit else {
            throw Problem(
                .tooLarge, "\"\(field)\" has \(count) bytes", field: field,
                hint: "at most \(limit) bytes are taken here")
        }
    }
}

extension String {
    /// Whether this is what curl sends in place of a file whose @ was forgotten.
    var looksLikeFileName: Bool {
        let ending = split(separator: ".", omittingEmptySubsequences: false).last ?? ""
        return contains(".") && (1...5).contains(ending.count) && ending.allSatisfy { $0.isLetter || $0.isNumber }
            && ending.contains(where: \.isLetter) && !contains(where: { "{}[]\"\n,:".contains($0) })
    }
}

extension StringProtocol {
    var trimmingWhitespace: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else {
            return ""
        }
        return String(self[first...last])
    }
}
