import Basics
import Foundation
import Glibc
import Posix

/// Programs that this one has started, and files that it has made for the time being: both are gone when it is told to end (Ctrl-C, SIGTERM).
///
/// Foundation gives each child a process group of its own, so a terminal's Ctrl-C reaches this process alone, and the child would go on.
enum Underway {
    private struct State {
        var children: Set<pid_t> = []
        var files: Set<String> = []
        var isWatched = false
        var isEnding = false
    }

    private static let state = Lock(State())
    /// How long a child may take to end by itself, in seconds.
    private static let patience = 10.0

    /// From now on whoever ends this process ends all that is under way. Is called when anything is added.
    static func watch() {
        let isFirst = state.withLock { state in
            defer { state.isWatched = true }
            return !state.isWatched
        }
        if isFirst { Signals.onTermination { @Sendable in end() } }
    }

    static func add(child: pid_t) {
        state.withLock { _ = $0.children.insert(child) }
        watch()
    }

    static func add(file: URL) {
        state.withLock { _ = $0.files.insert(file.path) }
        watch()
    }

    /// Of a child that has ended. Does not return where this process is about to end: that the child has is no failure then.
    static func remove(child: pid_t) {
        let isEnding = state.withLock { state in
            state.children.remove(child)
            return state.isEnding
        }
        while isEnding { sleep(1) }
    }

    static func remove(file: URL) { state.withLock { _ = $0.files.remove(file.path) } }

    private static func end() {
        let (children, files) = state.withLock { state in
            state.isEnding = true
            return (state.children, state.files)
        }
        for child in children { kill(child, SIGTERM) }
        let start = ContinuousClock.now
        while children.contains(where: { kill($0, 0) == 0 }) {
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            if seconds > patience { for child in children { kill(child, SIGKILL) } }
            if seconds > patience + 2 { break }
            usleep(20_000)
        }
        for file in files { try? FileManager.default.removeItem(atPath: file) }
        // 128 + SIGINT, as shells have it.
        exit(130)
    }
}
