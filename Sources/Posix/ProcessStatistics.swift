import Glibc

/// What this process takes of the machine now.
package struct ProcessStatistics: Sendable {
    package let residentBytes: Int
    package let openDescriptors: Int
    package let cpuSeconds: Double

    package static var current: ProcessStatistics {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return ProcessStatistics(
            residentBytes: residentPages * sysconf(Int32(_SC_PAGESIZE)), openDescriptors: descriptorCount,
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime))
    }

    /// The second number of /proc/self/statm (proc(5)).
    private static var residentPages: Int {
        guard let file = fopen("/proc/self/statm", "re") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let words = text.split(separator: " ")
        return words.count > 1 ? Int(words[1]) ?? 0 : 0
    }

    private static var descriptorCount: Int {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count = -3  // ".", ".." and the folder's own
        while readdir(folder) != nil { count += 1 }
        return count
    }
}
