internal import CPosix
import Glibc

/// The protocols by which systemd starts a service and hears from it: socket activation (sd_listen_fds(3)) and notification
/// (sd_notify(3)). Without systemd, both are nothing.
package enum ServiceManager {
    /// Tells the service manager about a change, such as `READY=1`.
    ///
    /// - Parameter path: The value of NOTIFY_SOCKET: a path, or with `@` an abstract name.
    package static func notify(_ message: String, path: String? = getenv("NOTIFY_SOCKET").map { String(cString: $0) }) {
        guard let path, path.hasPrefix("/") || path.hasPrefix("@"), path.utf8.count <= Address.unixPathLimit else {
            return
        }
        let raw = cposix_datagram_socket(AF_UNIX)
        guard raw >= 0 else { return }
        let socket = Descriptor(owning: raw)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        if name[0] == UInt8(ascii: "@") { name[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? MemoryLayout<sa_family_t>.size
        let bytes = Array(message.utf8)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(socket.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, socklen_t(offset + name.count))
            }
        }
    }

    /// How often the service manager wants a sign of life, `WATCHDOG=1`; nil when it wants none.
    package static var watchdogInterval: Duration? {
        guard let text = getenv("WATCHDOG_USEC"), let microseconds = Int64(String(cString: text)), microseconds > 0
        else {
            return nil
        }
        return .microseconds(microseconds)
    }

    /// Listening sockets that the service manager opened for this process. To be called once; the variables that told of them are
    /// gone afterwards, so that no child takes them for its own.
    package static func takeSockets() -> [Socket.Inherited] {
        defer { for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(name) } }
        guard let process = getenv("LISTEN_PID"), Int32(String(cString: process)) == getpid(),
            let text = getenv("LISTEN_FDS"), let count = Int32(String(cString: text)), (1...64).contains(count)
        else { return [] }
        // SD_LISTEN_FDS_START
        return (3..<3 + count).map { Socket.Inherited(raw: $0) }
    }
}

extension Socket {
    /// A listening socket that somebody else has opened.
    package struct Inherited: Sendable {
        package let raw: CInt
        package init(raw: CInt) { self.raw = raw }

        /// Where it listens; nil when it is no socket.
        package var address: Address? {
            let raw = raw
            return Address { getsockname(raw, $0, $1) }
        }
    }

    /// Takes over a listening stream socket. Throws when the descriptor is no such thing.
    package static func adopting(_ inherited: Inherited) throws(SystemCallError) -> Socket {
        var isListening: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        guard getsockopt(inherited.raw, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0 else {
            throw .last("getsockopt", "descriptor \(inherited.raw)")
        }
        guard isListening != 0 else {
            throw SystemCallError("accept", code: EINVAL, subject: "descriptor \(inherited.raw)")
        }
        let flags = fcntl(inherited.raw, F_GETFL)
        guard fcntl(inherited.raw, F_SETFL, flags | O_NONBLOCK) == 0,
            fcntl(inherited.raw, F_SETFD, FD_CLOEXEC) == 0
        else { throw .last("fcntl", "descriptor \(inherited.raw)") }
        return Socket(Descriptor(owning: inherited.raw))
    }
}
