import Basics
import Dispatch
import Glibc
import Posix
import Synchronization
import TestSupport
import Testing

@Suite struct EventLoopTests {
    private final class Reader: EventHandler, Sendable {
        let count = Atomic(0)
        let descriptor: CInt
        init(_ descriptor: CInt) { self.descriptor = descriptor }
        func ready(_ readiness: Readiness) {
            var byte: UInt8 = 0
            while read(descriptor, &byte, 1) == 1 { count.add(1, ordering: .relaxed) }
        }
        func settle() {}
    }

    /// Work that comes while the queue's thread waits for events, or handles them, or sleeps: none of it is lost or left lying.
    @Test func doesWorkFromEverywhereBesideEvents() throws {
        let loop = try EventLoop(label: "test")
        var pair: [CInt] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
        let (mine, theirs) = (pair[0], pair[1])
        defer {
            close(mine)
            close(theirs)
        }
        let reader = Reader(theirs)
        let added = DispatchSemaphore(value: 0)
        loop.execute {
            #expect(throws: Never.self) { try loop.add(theirs, reader) }
            added.signal()
        }
        added.wait()
        let done = Atomic(0)
        let group = DispatchGroup()
        for thread in 0..<4 {
            DispatchQueue(label: "sender \(thread)").async(group: group) { @Sendable in
                for index in 0..<500 {
                    // An answer within each wait: who comes while the thread waits must not wait for its patience to end.
                    let answered = DispatchSemaphore(value: 0)
                    loop.execute {
                        done.add(1, ordering: .relaxed)
                        answered.signal()
                    }
                    answered.wait()
                    var byte: UInt8 = 1
                    // A reader on a busy machine leaves the socket full for a while.
                    while write(mine, &byte, 1) != 1 {
                        guard errno == EAGAIN || errno == EINTR else {
                            Issue.record("write: errno \(errno)")
                            return
                        }
                        usleep(500)
                    }
                    if index % 100 == thread { usleep(2_000) }
                }
            }
        }
        group.wait()
        let count = done.load(ordering: .relaxed)
        #expect(count == 2_000)
        for _ in 0..<6_000 where reader.count.load(ordering: .relaxed) < 2_000 { usleep(10_000) }
        #expect(reader.count.load(ordering: .relaxed) == 2_000)
    }

    /// A timer is heard although events never cease.
    @Test func ticksUnderTraffic() throws {
        let loop = try EventLoop(label: "test")
        var pair: [CInt] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
        let (mine, theirs) = (pair[0], pair[1])
        defer {
            close(mine)
            close(theirs)
        }
        let reader = Reader(theirs)
        let ticked = Atomic(false)
        loop.execute {
            #expect(throws: Never.self) { try loop.add(theirs, reader) }
            loop.tick(every: .milliseconds(5)) { ticked.store(true, ordering: .relaxed) }
        }
        var byte: UInt8 = 1
        for _ in 0..<1_000_000 where !ticked.load(ordering: .relaxed) {
            _ = write(mine, &byte, 1)
            usleep(50)
        }
        let hasTicked = ticked.load(ordering: .relaxed)
        #expect(hasTicked)
        loop.execute { loop.stopTicking() }
    }
}
