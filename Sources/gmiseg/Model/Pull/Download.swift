import Cryptography
import Foundation
import Glibc

/// One file from the network, continued where it was interrupted, and only given its name when its hash is right.
///
/// curl does the transfer: it is on every machine that the service is used from, knows proxies and certificates, and
/// resumes. Foundation's own client would bring in a second TLS stack for this one command.
struct Download {
    let address: String
    let fileName: String
    let folder: String
    /// Lower-case hexadecimal.
    let sha256: String
    /// For the progress bar; nil when not known.
    let byteCount: Int?

    enum Failure: Error, Equatable {
        /// curl ended with this code; no more than a part is there.
        case transfer(code: Int32, Download)
        case noCurl(Download)
        /// A file of that name is there already, and it is another.
        case occupied(path: String, found: String)
        /// Everything came, but it was not what was asked for.
        case wrongContent(address: String, expected: String, found: String)
    }

    var path: String { "\(folder)/\(fileName)" }
    private var partial: String { path + ".partial" }

    /// Downloads unless it is there already, and returns the file's path.
    func run() throws -> String {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        if FileManager.default.fileExists(atPath: path) {
            let found = try Self.hash(path)
            guard found == sha256 else { throw Failure.occupied(path: path, found: found) }
            return path
        }
        var code = try transfer()
        if code == Self.noRanges {
            // The server cannot continue: from the start, then.
            try FileManager.default.removeItem(atPath: partial)
            code = try transfer()
        }
        // A file that was complete before makes curl fail too, so the hash decides.
        let found = FileManager.default.fileExists(atPath: partial) ? try Self.hash(partial) : nil
        guard found == sha256 else {
            if code == 127 { throw Failure.noCurl(self) }
            guard code == 0, let found else { throw Failure.transfer(code: code, self) }
            try FileManager.default.removeItem(atPath: partial)
            throw Failure.wrongContent(address: address, expected: sha256, found: found)
        }
        try FileManager.default.moveItem(atPath: partial, toPath: path)
        return path
    }

    /// curl's exit code for servers without byte ranges.
    private static let noRanges: Int32 = 33

    /// Runs curl to its end under a progress bar; its exit code, 127 where there is no curl.
    private func transfer() throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "curl", "--fail", "--location", "--silent", "--show-error", "--proto", "=http,https", "--connect-timeout",
            "20",
            // A connection on which nothing comes for a minute is dead.
            "--speed-limit", "1", "--speed-time", "60", "--continue-at", "-", "--output", partial, "--", address,
        ]
        // Else it would go on writing beside the curl of the command that continues.
        try Underway.start(process, endedBy: SIGKILL)
        var bar = ProgressBar(label: fileName)
        while process.isRunning {
            if let byteCount {
                let done = Double(Self.size(partial)) / Double(byteCount)
                bar.update(fraction: done, note: "\(Self.size(partial) >> 20) of \(byteCount >> 20) MiB")
            }
            Thread.sleep(forTimeInterval: 0.2)
        }
        process.waitUntilExit()
        Underway.remove(child: process.processIdentifier)
        bar.finish()
        return process.terminationStatus
    }

    private static func size(_ path: String) -> Int {
        (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    }

    private static func hash(_ path: String) throws -> String {
        let file = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? file.close() }
        var hash = SHA256()
        while let chunk = try file.read(upToCount: 1 << 20), !chunk.isEmpty { hash.update(chunk) }
        return hash.finalize().map { String(format: "%02x", $0) }.joined()
    }
}

extension Download: Equatable {}

extension Download.Failure: CustomStringConvertible {
    var description: String {
        switch self {
        case .transfer(let code, let download):
            """
            \(download.address) could not be downloaded (curl ended with \(code)). Run the command again to continue, or \
            bring the file by hand:
            \(download.manualSteps)
            """
        case .noCurl(let download):
            "there is no curl on this machine. Install it, or bring the file by hand:\n\(download.manualSteps)"
        case .occupied(let path, let found):
            "\(path) is there already, and it is another file (SHA-256 \(found)); move it away first"
        case .wrongContent(let address, let expected, let found):
            "\(address) gave a file with the SHA-256 \(found) in place of \(expected); nothing was kept"
        }
    }
}

extension Download {
    /// How to do the same on a machine that has a connection.
    var manualSteps: String {
        """
          1. On a machine with a connection, download \(address)
          2. sha256sum \(fileName) must print \(sha256)
          3. Copy the file to \(path)
          4. gmiseg model verify \(path)
        """
    }
}
