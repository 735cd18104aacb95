import Basics
import Dispatch
import Glibc
import Posix
import Synchronization
import TestSupport
import Testing

/// Two ends of a connection, neither of which blocks.
private func connectedPair() -> (mine: CInt, theirs: CInt) {
    var pair: [CInt] = [0, 0]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
    return (pair[0], pair[1])
}

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
        let (mine, theirs) = connectedPair()
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
        let (mine, theirs) = connectedPair()
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

@Suite struct InputWatchTests {

    /// Each byte by itself, the ones of before the watch and those that come while the handler runs.
    @Test func tellsOfAllInput() throws {
        let (mine, theirs) = connectedPair()
        defer {
            close(mine)
            close(theirs)
        }
        let queue = DispatchQueue(label: "test")
        #expect(write(mine, "a", 1) == 1)
        let read = Atomic(0)
        let isDone = DispatchSemaphore(value: 0)
        let watch = try InputWatch(theirs, on: queue) { @Sendable in
            var byte: UInt8 = 0
            // One at a time: what is left must be told again.
            guard Glibc.read(theirs, &byte, 1) == 1 else { return }
            if read.add(1, ordering: .relaxed).newValue == 200 { isDone.signal() }
        }
        for _ in 1..<200 { #expect(write(mine, "b", 1) == 1) }
        #expect(isDone.wait(timeout: .now() + 60) == .success)
        queue.sync { watch.cancel() }
        #expect(write(mine, "c", 1) == 1)
        usleep(20_000)
        queue.sync {}
        #expect(read.load(ordering: .relaxed) == 200)
    }

    @Test func aPauseIsQuiet() throws {
        let (mine, theirs) = connectedPair()
        defer {
            close(mine)
            close(theirs)
        }
        let queue = DispatchQueue(label: "test")
        let calls = Atomic(0)
        let isDone = DispatchSemaphore(value: 0)
        let box = Lock<InputWatch?>(nil)
        let watch = try queue.sync {
            let watch = try InputWatch(theirs, on: queue) { @Sendable in
                // Nothing is read, so that without the pause it would be told without end.
                if calls.add(1, ordering: .relaxed).newValue == 3 { isDone.signal() }
                box.withLock { $0 }?.pause(for: .milliseconds(30))
            }
            box.withLock { $0 = watch }
            return watch
        }
        let began = ContinuousClock.now
        #expect(write(mine, "a", 1) == 1)
        #expect(isDone.wait(timeout: .now() + 60) == .success)
        #expect(ContinuousClock.now - began >= .milliseconds(60))
        queue.sync { watch.cancel() }
    }

    /// What ends Dispatch's own sources now and then: descriptors that are made, watched, and let go on many threads, under the same
    /// numbers again and again.
    @Test func manyComeAndGoAtOnce() throws {
        let told = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 8) { @Sendable lane in
            let queue = DispatchQueue(label: "lane \(lane)")
            for round in 0..<200 {
                let (mine, theirs) = connectedPair()
                let isTold = DispatchSemaphore(value: 0)
                let watch = try? InputWatch(theirs, on: queue) { @Sendable in
                    var byte: UInt8 = 0
                    guard Glibc.read(theirs, &byte, 1) == 1 else { return }
                    #expect(byte == UInt8(truncatingIfNeeded: lane &* 31 &+ round))
                    told.add(1, ordering: .relaxed)
                    isTold.signal()
                }
                var byte = UInt8(truncatingIfNeeded: lane &* 31 &+ round)
                #expect(write(mine, &byte, 1) == 1)
                // Every other one ends with its event still under way.
                if round.isMultiple(of: 2) { #expect(isTold.wait(timeout: .now() + 60) == .success) }
                queue.sync { watch?.cancel() }
                close(mine)
                close(theirs)
            }
        }
        #expect(told.load(ordering: .relaxed) >= 800)
    }

    @Test func whatCannotBeWatchedIsSaid() {
        #expect(throws: SystemCallError.self) {
            try InputWatch(-1, on: DispatchQueue(label: "test")) {}
        }
    }
}
