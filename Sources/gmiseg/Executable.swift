import Foundation

/// The running program itself, for commands that start it again.
enum Executable {
    /// /proc has it whatever the shell called it.
    static var url: URL {
        get throws {
            URL(fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        }
    }
}
