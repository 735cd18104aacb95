import Glibc
import Posix
import TestSupport
import Testing

@Suite struct ServiceManagerTests {
    @Test func notifies() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("notify")
        let raw = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(raw) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(code == 0)
        ServiceManager.notify("READY=1", path: path)
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = recv(raw, &buffer, buffer.count, 0)
        #expect(String(decoding: buffer[..<max(0, count)], as: UTF8.self) == "READY=1")
        // Nobody there, or no such place: silence.
        ServiceManager.notify("READY=1", path: folder.file("nobody"))
        ServiceManager.notify("READY=1", path: "relative")
        ServiceManager.notify("READY=1", path: "/" + String(repeating: "x", count: 200))
        ServiceManager.notify("READY=1", path: nil)
    }

    @Test func adoptsListeningSocketsOnly() throws {
        let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #expect(throws: SystemCallError.self) { _ = try Socket.adopting(Socket.Inherited(raw: raw)) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(raw, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(code == 0 && listen(raw, 5) == 0)
        #expect(Socket.Inherited(raw: raw).address?.isLoopback == true)
        let adopted = try Socket.adopting(Socket.Inherited(raw: raw))
        #expect(adopted.localAddress?.isLoopback == true)
        #expect(fcntl(raw, F_GETFL) & O_NONBLOCK != 0 && fcntl(raw, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func socketsForAnotherProcessAreNotTaken() async {
        await #expect(processExitsWith: .exitCode(0)) {
            setenv("LISTEN_FDS", "2", 1)
            setenv("LISTEN_PID", "1", 1)
            guard ServiceManager.takeSockets().isEmpty, getenv("LISTEN_FDS") == nil else { exit(1) }
            setenv("LISTEN_FDS", "2", 1)
            setenv("LISTEN_PID", "\(getpid())", 1)
            exit(ServiceManager.takeSockets().map(\.raw) == [3, 4] ? 0 : 2)
        }
    }

    @Test func countsWhatTheProcessTakes() {
        let before = ProcessStatistics.current
        let file = open("/dev/null", O_RDONLY)
        defer { close(file) }
        #expect(before.residentBytes > 1 << 20 && before.cpuSeconds > 0 && before.openDescriptors > 2)
    }
}
