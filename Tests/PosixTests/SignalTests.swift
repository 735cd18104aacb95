import Dispatch
import Glibc
import Posix
import Testing

@Suite struct SignalTests {
    @Test func terminationIsAnEvent() async {
        await #expect(processExitsWith: .exitCode(7)) {
            Signals.onTermination { exit(7) }
            kill(getpid(), SIGTERM)
            DispatchSemaphore(value: 0).wait()
        }
    }

    @Test func aBrokenPipeIsAnErrorCode() async {
        await #expect(processExitsWith: .exitCode(EPIPE)) {
            Signals.ignoreBrokenPipe()
            var ends: [CInt] = [0, 0]
            pipe(&ends)
            close(ends[0])
            let count = write(ends[1], "x", 1)
            exit(count == -1 ? errno : 0)
        }
    }
}
