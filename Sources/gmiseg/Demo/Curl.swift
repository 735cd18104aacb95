import ArgumentParser
import Foundation

/// Runs curl as a user would, from the very line that is printed.
struct Curl {
    /// Prints `command` (when `shown`) and runs it in a shell.
    ///
    /// - Returns: What curl wrote to standard output.
    /// - Throws: When curl or the server fails, with the server's own words.
    func run(_ command: String, shown: Bool = true) throws -> Data {
        if shown {
            print("\n$ " + command)
            fflush(nil)
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        // A hospital's proxy knows nothing of this machine's own address.
        process.environment = ProcessInfo.processInfo.environment.merging(["NO_PROXY": "*", "no_proxy": "*"]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let answer = String(decoding: data, as: UTF8.self)
            throw ValidationError("curl ended with \(process.terminationStatus): \(answer)")
        }
        return data
    }

    /// `run`, with the answer read as JSON of type `Answer`.
    func json<Answer: Decodable>(_ command: String, as type: Answer.Type, shown: Bool = true) throws -> Answer {
        let data = try run(command, shown: shown)
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch {
            throw ValidationError(
                "the server's answer was not what was expected: \(String(decoding: data, as: UTF8.self))")
        }
    }
}

extension Curl {
    /// A file as a part of a form, as a shell reads it: `image=@scan.png`, in quotes where it needs them. A name without quotes of curl's own
    /// ends at a comma or semicolon (curl(1), `--form`).
    static func part(_ name: String, _ path: String) -> String {
        let isPlain = path.allSatisfy { $0.isLetter || $0.isNumber || "/._-+".contains($0) }
        guard !isPlain else { return "\(name)=@\(path)" }
        let escaped = path.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
        return "'" + "\(name)=@\"\(escaped)\"".replacingOccurrences(of: "'", with: "'\\''") + "'"
    }
}
