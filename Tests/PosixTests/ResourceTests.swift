import Glibc
import Posix
import TestSupport
import Testing

@Suite struct ResourceTests {
    @Test func readsWhatTheSystemHas() {
        #expect(MemorySpace.available("MemTotal: 100 kB\nMemFree:  20 kB\nMemAvailable:     50 kB\n") == 50 * 1_024)
        #expect(MemorySpace.available("MemTotal: 100 kB\n") == nil)
        #expect(MemorySpace.available("MemAvailable: kB\n") == nil)
        #expect((MemorySpace.free ?? 0) > 0)
    }

    @Test(arguments: [
        ("1000\n", "600\n", "anon 1\ninactive_file 100\n", 500), ("1000\n", "600\n", "", 400),
        ("1000\n", "2000\n", "inactive_file 0\n", 0), ("max\n", "600\n", "", nil), ("", "", "", nil),
    ])
    func readsWhatTheGroupHas(_ limit: String, _ current: String, _ statistics: String, _ free: Int?) {
        #expect(MemorySpace.free(limit: limit, current: current, statistics: statistics) == free)
    }

    /// Blocks too small to be mapped each by itself, freed below others that live on.
    @Test func givesFreedMemoryBack() throws {
        let blocks = (0..<2_048).map { _ in
            let block = UnsafeMutableRawPointer.allocate(byteCount: 100_000, alignment: 16)
            block.initializeMemory(as: UInt8.self, repeating: 1, count: 100_000)
            return block
        }
        let full = ProcessStatistics.current.residentBytes
        for block in blocks.dropLast() { block.deallocate() }
        ProcessMemory.giveBackFreed()
        #expect(ProcessStatistics.current.residentBytes < full - 100_000_000)
        blocks.last?.deallocate()
    }

    /// In a process of its own: the limit is everybody's.
    @Test func raisesTheLimitOfDescriptors() async {
        await #expect(processExitsWith: .success) {
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            var limit = rlimit(rlim_cur: 100, rlim_max: 400)
            try #require(setrlimit(resource, &limit) == 0)
            #expect(DescriptorLimit.raise() == 400)
            try #require(getrlimit(resource, &limit) == 0)
            #expect(limit.rlim_cur == 400 && limit.rlim_max == 400)
            // There is nothing left to raise.
            #expect(DescriptorLimit.raise() == 400)
        }
    }

    @Test func readsModes() throws {
        let folder = try TemporaryDirectory()
        for (bits, isOpen, text) in [(0o700, false, "0700"), (0o750, true, "0750"), (0o701, true, "0701")] {
            #expect(chmod(folder.path, mode_t(bits)) == 0)
            let mode = try #require(FileMode.of(folder.path))
            #expect(mode.othersMayEnter == isOpen && mode.description == text)
        }
        #expect(chmod(folder.path, 0o700) == 0)
        #expect(FileMode.of(folder.file("nothing")) == nil)
    }
}
