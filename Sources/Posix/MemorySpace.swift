import Glibc

/// How much memory may still be taken before the system runs short, or the control group that this process is held to.
package enum MemorySpace {
    private static let root = "/sys/fs/cgroup"

    /// In bytes; nil when it cannot be told.
    package static var free: Int? {
        let system = text("/proc/meminfo").flatMap { available($0) }
        return [system, freeInGroup].compactMap(\.self).min()
    }

    /// What `/proc/meminfo` calls available: free, or cheaply freed (proc(5)).
    package static func available(_ meminfo: String) -> Int? {
        meminfo.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }.flatMap { line in
            line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }.map { $0 * 1_024 }
        }
    }

    /// By the files of a control group (cgroup v2): its limit less what it has, file pages aside that nobody has used lately.
    /// - Returns: Nil where there is no limit.
    package static func free(limit: String, current: String, statistics: String) -> Int? {
        guard let limit = number(limit), let current = number(current) else { return nil }
        let idle = statistics.split(separator: "\n").first { $0.hasPrefix("inactive_file ") }
            .flatMap { $0.split(separator: " ").last.flatMap { Int($0) } }
        return max(0, limit - max(0, current - (idle ?? 0)))
    }

    private static var freeInGroup: Int? {
        // "0::/system.slice/gmiseg.service"; a container sees its own group as "/".
        guard
            let line = text("/proc/self/cgroup")?.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }),
            let limit = text("\(root)\(line.dropFirst(3))/memory.max"),
            let current = text("\(root)\(line.dropFirst(3))/memory.current")
        else { return nil }
        let statistics = text("\(root)\(line.dropFirst(3))/memory.stat") ?? ""
        return free(limit: limit, current: current, statistics: statistics)
    }

    private static func number(_ text: String) -> Int? { Int(text.prefix { $0.isNumber }) }

    /// The first pages of a file that the kernel makes when it is read; nil when there is none.
    private static func text(_ path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        let bytes = [UInt8](unsafeUninitializedCapacity: 16_384) { buffer, count in
            count = fread(buffer.baseAddress, 1, buffer.count, file)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
