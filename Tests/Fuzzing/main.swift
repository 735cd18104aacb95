import Glibc

// gmiseg-fuzz TARGET [libFuzzer's options] [corpus folders]; built by `make fuzz`, see docs/threat-model.md.

/// libFuzzer's own main, as a function: calls back with one input after the other, never to return.
@_silgen_name("LLVMFuzzerRunDriver")
func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

nonisolated(unsafe) var target = FuzzTarget.request

func start() -> CInt {
    guard CommandLine.arguments.count > 1, let chosen = FuzzTarget(rawValue: CommandLine.arguments[1]) else {
        print("usage: gmiseg-fuzz \(FuzzTarget.allCases.map(\.rawValue).joined(separator: "|")) [options]")
        return 64
    }
    target = chosen
    // The target's name is no argument of libFuzzer's.
    var arguments = CommandLine.unsafeArgv + 1
    arguments[0] = CommandLine.unsafeArgv[0]
    var count = CommandLine.argc - 1
    return runFuzzer(&count, &arguments) { bytes, byteCount in
        target.run(Array(UnsafeBufferPointer(start: bytes, count: byteCount)))
        return 0
    }
}

exit(start())
