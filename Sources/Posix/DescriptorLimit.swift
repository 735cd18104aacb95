import Glibc

/// How many descriptors this process may have open at once (RLIMIT_NOFILE, getrlimit(2)).
package enum DescriptorLimit {
    /// Raises the limit to the highest that is allowed: shells start programs with 1,024, for the sake of those that call select(2).
    /// - Returns: The limit from now on.
    package static func raise() -> Int {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return .max }
        var raised = rlimit(rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max)
        if setrlimit(resource, &raised) == 0 { limit = raised }
        return Int(clamping: limit.rlim_cur)
    }
}
