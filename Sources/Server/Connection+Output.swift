import HTTP
import HTTPTypes
import Posix

extension Connection {
    // A stream that has run this far ahead of its client is broken off.
    private static let streamBacklog = 8 << 20

    /// Answers for the server itself.
    func refuse(_ refusal: Refusal, _ number: UInt64) {
        var response = context.refuse(refusal)
        if case .busy(let scarcity) = refusal, response.fields[.retryAfter] == nil {
            response.fields[.retryAfter] = String(scarcity.retryAfterSeconds)
        }
        answer(response, number)
    }

    /// Queues a whole answer to exchange `number`, if that is still waiting for one.
    func answer(_ response: Response, _ number: UInt64) {
        guard beginAnswer(response.status, response.fields, length: response.body.count, number) else { return }
        if exchange?.sendsBody == true {
            switch response.body {
            case .none: break
            case .bytes(let bytes): output.append(bytes)
            case .file(let file): output.append(file)
            }
            exchange?.responseBytes += response.body.count
        }
        endAnswer()
    }

    func beginStream(_ status: HTTPResponse.Status, _ fields: HTTPFields, _ number: UInt64) {
        _ = beginAnswer(status, fields, length: nil, number)
    }

    func writeStream(_ bytes: [UInt8], _ completion: (@Sendable (Bool) -> Void)?, _ number: UInt64) {
        guard let exchange, exchange.number == number, exchange.status != nil else {
            completion?(false)
            return
        }
        if output.isEmpty { outputBegins() }
        if exchange.sendsBody {
            if exchange.framing == .chunked {
                output.append { ResponseEncoder.appendChunk(bytes, to: &$0) }
            } else {
                output.append(bytes)
            }
            self.exchange?.responseBytes += bytes.count
        }
        if let completion { output.append(completion: completion) }
        if output.byteCount > Self.streamBacklog { close() }
    }

    func endStream(_ number: UInt64) {
        guard let exchange, exchange.number == number, exchange.status != nil else { return }
        if exchange.sendsBody, exchange.framing == .chunked { output.append(ResponseEncoder.lastChunk) }
        endAnswer()
    }

    /// A stream that will not be finished: closing without a last chunk is how the client learns of it.
    func breakStream(_ number: UInt64) {
        guard exchange?.number == number else { return }
        close()
    }

    private func beginAnswer(
        _ status: HTTPResponse.Status, _ fields: HTTPFields, length: Int?, _ number: UInt64
    ) -> Bool {
        guard transport != nil, exchange?.number == number, state.mayAnswer else { return false }
        let (framing, option, sendsBody) = state.answerBegins(status: status, length: length)
        let before = output.byteCount
        if output.isEmpty { outputBegins() }
        var fields = fields
        let id = context.requestID.name(number)
        fields[.xRequestID] = id
        if let trace = exchange?.trace { fields[.traceresponse] = trace.answer(span: id) }
        output.append {
            ResponseEncoder.appendHead(
                to: &$0, status: status, fields: fields, framing: framing, connection: option, date: shard.date)
        }
        exchange?.status = status.code
        exchange?.framing = framing
        exchange?.sendsBody = sendsBody
        exchange?.responseBytes = output.byteCount - before
        return true
    }

    /// From now on the client is to take what waits for it.
    private func outputBegins() {
        lastOutput = shard.loop.now
        outputPace = PaceKeeper(now: shard.loop.now)
    }

    private func endAnswer() {
        endExchange(isComplete: true)
        _ = state.answerEnds()
        phaseBegan = shard.loop.now
    }

    /// Writes what is pending, as far as the socket takes it.
    /// - Returns: Whether all of it is gone.
    func flush() -> Bool {
        guard let transport else { return false }
        if hasOutput {
            guard isWritable else { return false }
            var written = 0
            let outcome = output.write(to: transport, written: &written)
            if written > 0 {
                lastOutput = shard.loop.now
                outputPace.moved(written)
            }
            switch outcome {
            case .drained: if state.phase == .idle { phaseBegan = shard.loop.now }
            case .yielded:
                shard.loop.execute { self.pump() }
                return false
            case .blocked:
                isWritable = false
                return false
            case .failed:
                close()
                return false
            }
        }
        if state.phase == .lingering { linger() }
        return true
    }

    /// Says goodbye, then reads and forgets until the client does too.
    private func linger() {
        guard let transport else { return }
        if !hasShutDown {
            hasShutDown = true
            phaseBegan = shard.loop.now
            transport.shutdownWriting()
        }
        for _ in 0..<Self.readsPerTurn {
            switch transport.read(into: shard.readBuffer) {
            case .bytes: continue
            case .wouldBlock: return
            case .closed:
                close()
                return
            }
        }
        shard.loop.execute { self.pump() }
    }
}

extension HTTPField.Name {
    static let traceparent = HTTPField.Name("traceparent")!
    /// Of the second level of W3C Trace Context.
    static let traceresponse = HTTPField.Name("traceresponse")!
    static let xRequestID = HTTPField.Name("X-Request-Id")!
}
