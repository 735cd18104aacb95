import Glibc

/// A connected, blocking socket; closing is its `deinit`.
struct ClientSocket: ~Copyable {
    private let raw: CInt
    private let name: String
    /// Nil: bytes travel as they are.
    private let channel: SecureChannel?

    init(_ address: ServerAddress, _ trust: ClientTrust, patienceSeconds: Int) throws(ClientError) {
        (name, raw, channel) = try Self.open(address, trust, patienceSeconds)
    }

    private static func open(
        _ address: ServerAddress, _ trust: ClientTrust, _ patienceSeconds: Int
    ) throws(ClientError) -> (name: String, raw: CInt, channel: SecureChannel?) {
        let name = address.description
        switch address {
        case .unix(let path): return (name, try connectUnix(path, patienceSeconds, name: name), nil)
        case .tcp(let host, let port, false):
            return (name, try connectTCP(host, port, patienceSeconds, name: name), nil)
        case .tcp(let host, let port, true):
            let channel = try SecureChannel(host, trust, name: name)
            let raw = try connectTCP(host, port, patienceSeconds, name: name)
            do throws(ClientError) {
                try channel.shakeHands(over: raw)
            } catch {
                _ = close(raw)
                throw error
            }
            return (name, raw, channel)
        }
    }

    deinit { _ = close(raw) }

    private static func connectTCP(
        _ host: String, _ port: UInt16, _ patienceSeconds: Int, name: String
    ) throws(ClientError) -> CInt {
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &list)
        guard code == 0 else { throw .unresolvable(host: host, reason: String(cString: gai_strerror(code))) }
        defer { freeaddrinfo(list) }
        var failure = ENOENT
        var next = list
        while let entry = next?.pointee {
            next = entry.ai_next
            let descriptor = socket(entry.ai_family, entry.ai_socktype | CInt(SOCK_CLOEXEC.rawValue), entry.ai_protocol)
            guard descriptor >= 0 else {
                failure = errno
                continue
            }
            limitPatience(descriptor, patienceSeconds)
            if connect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 { return descriptor }
            failure = errno
            _ = close(descriptor)
        }
        throw .connection(address: name, call: "connect", errno: failure)
    }

    /// A server that says nothing may be at work for long; whether its machine is still there is asked from time to time (tcp(7)).
    private static func limitPatience(_ descriptor: CInt, _ seconds: Int) {
        func set(_ level: CInt, _ option: CInt, _ value: CInt) {
            var value = value
            _ = setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
        }
        set(SOL_SOCKET, SO_KEEPALIVE, 1)
        for (option, value) in [(TCP_KEEPIDLE, CInt(30)), (TCP_KEEPINTVL, 15), (TCP_KEEPCNT, 4)] {
            set(CInt(IPPROTO_TCP), option, value)
        }
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            _ = setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    /// What ended the connection, by the error of a call on it.
    private static func failure(_ name: String, _ call: String, _ code: CInt) -> ClientError {
        // EAGAIN: our own limit; ETIMEDOUT: the system's, when the other machine does not answer.
        code == EAGAIN || code == ETIMEDOUT
            ? .silent(address: name) : .connection(address: name, call: call, errno: code)
    }

    private static func connectUnix(
        _ path: String, _ patienceSeconds: Int, name: String
    ) throws(ClientError) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw .connection(address: name, call: "connect", errno: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .connection(address: name, call: "socket", errno: errno) }
        limitPatience(descriptor, patienceSeconds)
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0 else {
            let failure = errno
            _ = close(descriptor)
            throw .connection(address: name, call: "connect", errno: failure)
        }
        return descriptor
    }

    func write(_ bytes: [UInt8]) throws(ClientError) {
        if let channel { try channel.write(bytes, over: raw) } else { try Self.send(bytes, over: raw, name: name) }
    }

    static func send(_ bytes: [UInt8], over raw: CInt, name: String) throws(ClientError) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                let rest = buffer[sent...]
                let base = UnsafeRawBufferPointer(rebasing: rest).baseAddress
                return Glibc.send(raw, base, rest.count, CInt(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
            } else if errno != EINTR {
                throw failure(name, "send", errno)
            }
        }
    }

    /// Sends exactly `byteCount` bytes of the file, as the head has announced.
    func writeFile(_ path: String, byteCount: Int) throws(ClientError) {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .file(path: path, errno: errno) }
        defer { _ = close(file) }
        var remaining = byteCount
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while remaining > 0 {
            let count = Glibc.read(file, &buffer, min(buffer.count, remaining))
            if count < 0, errno == EINTR { continue }
            // The file shrank since its size was announced.
            guard count > 0 else { throw .file(path: path, errno: count < 0 ? errno : EIO) }
            try write(Array(buffer[..<count]))
            remaining -= count
        }
    }

    /// The next bytes; empty at the end.
    func read() throws(ClientError) -> [UInt8] {
        if let channel { try channel.read(over: raw) } else { try Self.receive(over: raw, name: name) }
    }

    static func receive(over raw: CInt, name: String) throws(ClientError) -> [UInt8] {
        while true {
            var code: CInt = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                let received = recv(raw, buffer.baseAddress, buffer.count, 0)
                code = received < 0 ? errno : 0
                count = max(received, 0)
            }
            if code == 0 { return bytes }
            if code != EINTR { throw failure(name, "recv", code) }
        }
    }
}
