import Basics
import Foundation
import Posix
import Storage

/// Why a file of tokens cannot be used.
package enum TokenFileError: Error, Sendable, Equatable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case malformed(path: String, reason: String)
    case unwritable(path: String, reason: String)

    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .malformed(let path, let reason): "\(path) is damaged: \(reason)"
        case .unwritable(let path, let reason): "\(path) cannot be written: \(reason)"
        }
    }
}

/// `tokens.json` in the data folder: all tokens that were made and not revoked.
///
/// A file of its own and not a table, so that tokens can be made and revoked while a server holds the database. It is replaced as a
/// whole; a server sees the change within a second.
package struct TokenFile: Sendable {
    package static let name = "tokens.json"
    package let path: String

    package init(dataFolder: String) { path = dataFolder + "/" + Self.name }

    package var exists: Bool { FileManager.default.fileExists(atPath: path) }

    /// All tokens; none when there is no file.
    package func load() throws(TokenFileError) -> [Token] {
        guard exists else { return [] }
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw .unreadable(path: path, reason: "\(error.localizedDescription)")
        }
        do {
            let json = try JSONParser.parse([UInt8](data))
            guard let list = json["tokens"]?.elements else { throw Damage(reason: "it has no list \"tokens\"") }
            return try list.map(Self.token)
        } catch {
            throw .malformed(path: path, reason: "\(error)")
        }
    }

    /// Replaces the tokens by what `change` makes of them. Two such calls never overtake each other.
    package func update(_ change: (inout [Token]) -> Void) throws(TokenFileError) {
        let guardPath = path + ".lock"
        let guardFile = open(guardPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard guardFile >= 0, flock(guardFile, LOCK_EX) == 0 else {
            throw .unwritable(path: guardPath, reason: String(cString: strerror(errno)))
        }
        defer { close(guardFile) }
        var tokens = try load()
        change(&tokens)
        let json: JSON = ["tokens": .array(tokens.map(Self.json))]
        let fresh = path + ".new"
        do throws(SystemCallError) {
            try writeFile(fresh, (json.encoded(pretty: true) + [UInt8(ascii: "\n")]).span, isDurable: true)
        } catch {
            throw .unwritable(path: fresh, reason: "\(error)")
        }
        guard rename(fresh, path) == 0 else {
            throw .unwritable(path: path, reason: String(cString: strerror(errno)))
        }
        // A revoked token must not come back with a power cut.
        let folder = (path as NSString).deletingLastPathComponent
        do throws(SystemCallError) {
            try syncFolder(folder.isEmpty ? "." : folder)
        } catch {
            throw .unwritable(path: folder, reason: "\(error)")
        }
    }

    /// What changes whenever the file is replaced; nil when there is none.
    var revision: [Int]? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return [Int(status.st_ino), status.st_mtim.tv_sec, status.st_mtim.tv_nsec, Int(status.st_size)]
    }

    private struct Damage: Error, CustomStringConvertible {
        let reason: String
        var description: String { reason }
    }

    private static func json(_ token: Token) -> JSON {
        [
            "id": .string(token.id), "owner": .string(token.owner), "scope": .string(token.scope.rawValue),
            "created_ms": .integer(Int(token.created.milliseconds)),
            "expires_ms": .optional(token.expires.map { Int($0.milliseconds) }),
            "requests_per_minute": .integer(token.limits.requestsPerMinute), "jobs": .integer(token.limits.jobs),
            "bytes": .integer(token.limits.bytes), "salt": .string(Hex.string(token.salt)),
            "hash": .string(Hex.string(token.hash)),
        ]
    }

    private static func token(_ json: JSON) throws(Damage) -> Token {
        guard let id = json["id"]?.stringValue, Identifier.isWellFormed(id, prefix: "token"),
            let owner = json["owner"]?.stringValue, Token.isWellFormed(owner: owner),
            let scope = json["scope"]?.stringValue.flatMap(Scope.init), let created = json["created_ms"]?.integerValue,
            let salt = json["salt"]?.stringValue.flatMap(Hex.bytes),
            let hash = json["hash"]?.stringValue.flatMap(Hex.bytes),
            hash.count == 32
        else { throw Damage(reason: "the token \(json["id"]?.stringValue ?? "?") is incomplete") }
        var limits = Token.Limits()
        limits.requestsPerMinute = json["requests_per_minute"]?.integerValue ?? limits.requestsPerMinute
        limits.jobs = json["jobs"]?.integerValue ?? limits.jobs
        limits.bytes = json["bytes"]?.integerValue ?? limits.bytes
        return Token(
            id: id, owner: owner, scope: scope, limits: limits, created: Timestamp(milliseconds: Int64(created)),
            expires: json["expires_ms"]?.integerValue.map { Timestamp(milliseconds: Int64($0)) }, salt: salt, hash: hash
        )
    }
}
