import CPosix
import Glibc

/// How much memory this process has taken, by proc(5).
package enum ProcessMemory {
    /// The highest resident size since the start or the last `forgetPeak`, in bytes; nil where the system does not say.
    package static var peakBytes: Int? {
        guard let file = fopen("/proc/self/status", "re") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, CInt(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix("VmHWM:") else { continue }
            return text.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }.map { $0 * 1_024 }
        }
        return nil
    }

    /// Gives what was freed back to the system. The allocator keeps it otherwise, for as long as anything allocated after it lives: a job's
    /// buffers would go on counting against everybody else on the machine.
    package static func giveBackFreed() { cposix_trim_memory() }

    /// Begins a new peak at the present size, where the system allows it.
    package static func forgetPeak() {
        guard let file = fopen("/proc/self/clear_refs", "we") else { return }
        defer { fclose(file) }
        fputs("5", file)
    }
}
