/// Why a pickle is refused. Offsets are bytes of the pickle, as `pickletools` counts them.
package enum PickleError: Error, Equatable {
    /// The pickle ends within what starts here.
    case truncated(offset: Int)
    case protocolVersion(Int, offset: Int)
    /// An instruction that `torch.save` does not write.
    case opcode(String, offset: Int)
    /// The pickle asks for something of Python that is not a tensor's: the door through which pickles run code.
    case global(String, offset: Int)
    /// There is not enough on the stack for this instruction.
    case emptyStack(opcode: String, offset: Int)
    case unexpected(found: String, expected: String, offset: Int)
    case memo(index: Int, offset: Int)
    case text(offset: Int)
    /// An integer beyond 64 bits.
    case integer(bytes: Int, offset: Int)
}

extension PickleError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .truncated(let offset): "byte \(offset): the pickle is cut off"
        case .protocolVersion(let version, let offset): "byte \(offset): pickle protocol \(version) is not known"
        case .opcode(let name, let offset):
            "byte \(offset): the pickle has the instruction \(name), which is not allowed in a file of weights"
        case .global(let name, let offset):
            """
            byte \(offset): the pickle asks for \(name), which is not allowed in a file of weights; save only the state \
            dict: torch.save(model.state_dict(), 'weights.pth')
            """
        case .emptyStack(let opcode, let offset): "byte \(offset): nothing there for the instruction \(opcode)"
        case .unexpected(let found, let expected, let offset): "byte \(offset): found \(found), expected \(expected)"
        case .memo(let index, let offset): "byte \(offset): the pickle remembers nothing under \(index)"
        case .text(let offset): "byte \(offset): a text that is not UTF-8"
        case .integer(let bytes, let offset): "byte \(offset): an integer of \(bytes) bytes"
        }
    }
}
