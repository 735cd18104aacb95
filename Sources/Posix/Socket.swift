internal import CPosix
import Glibc

/// What a non-blocking transfer came to.
package enum Transfer: Sendable, Equatable {
    case bytes(Int)
    /// Nothing now; the descriptor will report when there is.
    case wouldBlock
    /// The peer has closed: end of input, or nobody to write to.
    case closed
}

/// A non-blocking stream socket.
package struct Socket: ~Copyable, Sendable {
    package let descriptor: Descriptor

    package init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    package var raw: CInt { descriptor.raw }

    /// A socket bound to `address` and listening.
    ///
    /// A Unix socket's file is made with mode 0600 under any umask; a stale one, which nobody accepts on, is replaced.
    package static func listening(on address: Address, backlog: Int32 = 1_024) throws(SystemCallError) -> Socket {
        let raw = cposix_stream_socket(address.family)
        guard raw >= 0 else { throw .last("socket", address.description) }
        let socket = Socket(Descriptor(owning: raw))
        if case .unix(let path) = address {
            try removeStale(path)
        } else {
            try socket.set(SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR")
        }
        if case .ip6 = address { try socket.set(CInt(IPPROTO_IPV6), IPV6_V6ONLY, "IPV6_V6ONLY") }
        guard address.withSocketAddress({ Glibc.bind(raw, $0, $1) }) == 0 else {
            throw .last("bind", address.description)
        }
        if case .unix(let path) = address, chmod(path, 0o600) != 0 { throw .last("chmod", path) }
        guard Glibc.listen(raw, backlog) == 0 else { throw .last("listen", address.description) }
        return socket
    }

    /// Unlinks a socket file on which nobody listens any more. Any other file stays, and makes `bind` fail.
    private static func removeStale(_ path: String) throws(SystemCallError) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        let raw = cposix_stream_socket(AF_UNIX)
        guard raw >= 0 else { throw .last("socket", path) }
        let probe = Descriptor(owning: raw)
        let code = Address.unix(path: path).withSocketAddress { Glibc.connect(probe.raw, $0, $1) }
        if code != 0, errno == ECONNREFUSED { _ = unlink(path) }
    }

    private func set(_ level: CInt, _ option: CInt, _ name: String) throws(SystemCallError) {
        var on: CInt = 1
        guard setsockopt(raw, level, option, &on, socklen_t(MemoryLayout<CInt>.size)) == 0 else { throw .last(name) }
    }

    /// The address the socket is bound to: with the port that the system chose for port 0.
    package var localAddress: Address? {
        let raw = raw
        return Address { getsockname(raw, $0, $1) }
    }

    package var peerAddress: Address? {
        let raw = raw
        return Address { getpeername(raw, $0, $1) }
    }

    /// Sends small writes at once (TCP_NODELAY). No effect on a Unix socket.
    package func disableDelay() {
        var on: CInt = 1
        _ = setsockopt(raw, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
    }

    package enum Accepted: ~Copyable {
        case connection(Socket)
        /// Nobody is waiting.
        case none
    }

    /// The next waiting connection. Throws when descriptors or memory have run out; connections that died while waiting are passed over.
    package func accept() throws(SystemCallError) -> Accepted {
        while true {
            let raw = cposix_accept(raw)
            if raw >= 0 { return .connection(Socket(Descriptor(owning: raw))) }
            switch errno {
            case EAGAIN: return .none
            // accept(2): errors of the new connection, pending on it, are to be treated like EAGAIN and tried again.
            case EINTR, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
                ENETUNREACH, EPERM, ETIMEDOUT:
                continue
            default: throw .last("accept")
            }
        }
    }

    /// Reads what is there, at most the buffer's size.
    package func read(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        let raw = raw
        guard let count = retrying({ Glibc.recv(raw, buffer.baseAddress, buffer.count, 0) }) else {
            return errno == EAGAIN ? .wouldBlock : .closed
        }
        return count == 0 ? .closed : .bytes(count)
    }

    /// Writes as much as the system takes.
    package func write(_ buffer: UnsafeRawBufferPointer) -> Transfer {
        let raw = raw
        guard let count = retrying({ cposix_send(raw, buffer.baseAddress, buffer.count) }) else {
            return errno == EAGAIN ? .wouldBlock : .closed
        }
        return .bytes(count)
    }

    /// Refuses connections from now on, even if a child process that is about to start still shares the descriptor.
    package func stopListening() { _ = Glibc.shutdown(raw, CInt(SHUT_RDWR)) }

    /// Closing will throw away what the system still has to send, and tell the peer so (a TCP reset).
    package func resetOnClose() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        _ = setsockopt(raw, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
    }

    /// Tells the peer that nothing more will be sent.
    package func shutdownWriting() { _ = Glibc.shutdown(raw, CInt(SHUT_WR)) }
}

/// Removes the file of a Unix socket that is not listened on any more.
package func removeSocketFile(_ path: String) { _ = unlink(path) }
