import HTTP
import HTTPTypes
import Posix

extension Connection {
    // A stream that has run this far ahead of its client is broken off.
    private static let streamBacklog = 8 << 20
    private static let idField = Array("X-Request-Id: ".utf8)
    private static let lineEnd = Array("\r\n".utf8)

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
        guard !isWithheld(response) else { return refuse(.busy(.answers), number) }
        answer(response.status, response.body, number) {
            ResponseEncoder.appendStart(to: &$0, status: response.status, fields: response.fields)
        }
    }

    /// The same for an answer whose head begins with bytes that are there already.
    func answer(_ response: ConstantResponse, _ number: UInt64) {
        answer(response.status, response.body, number) { $0.append(contentsOf: response.start) }
    }

    /// Whether an answer is not to wait in memory, where clients leave too much already. What a request has changed its client is told all the
    /// same: the routes that change something say 201 or 202, or are for PUT and DELETE.
    private func isWithheld(_ response: Response) -> Bool {
        guard case .bytes(let bytes) = response.body, bytes.count >= Self.congestion, context.unsent.isFull else {
            return false
        }
        return response.status == .ok && [.get, .post].contains(exchange?.head?.request.method)
    }

    private func answer(
        _ status: HTTPResponse.Status, _ body: ResponseBody, _ number: UInt64, _ start: (inout [UInt8]) -> Void
    ) {
        guard let exchange = beginAnswer(status, length: body.count, number, start) else { return }
        if exchange.sendsBody {
            switch body {
            case .none: break
            case .bytes(let bytes):
                output.append(bytes)
                outputRate = max(outputRate, context.limits.leastRate(ofBytes: bytes.count))
            case .file(let file): output.append(file)
            }
            exchange.responseBytes += body.count
            // At once: others look before this is flushed.
            if body.count >= Self.congestion { countOutput() }
        }
        endAnswer()
    }

    func beginStream(_ status: HTTPResponse.Status, _ fields: HTTPFields, _ number: UInt64) {
        _ = beginAnswer(status, length: nil, number) {
            ResponseEncoder.appendStart(to: &$0, status: status, fields: fields)
        }
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
            exchange.responseBytes += bytes.count
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

    /// Queues the head of an answer to exchange `number`, if that is still waiting for one, and returns the exchange.
    /// - Parameter start: Appends status line and fields.
    private func beginAnswer(
        _ status: HTTPResponse.Status, length: Int?, _ number: UInt64, _ start: (inout [UInt8]) -> Void
    ) -> Exchange? {
        guard transport != nil, let exchange, exchange.number == number, state.mayAnswer else { return nil }
        let (framing, option, sendsBody) = state.answerBegins(status: status, length: length)
        let before = output.byteCount
        if output.isEmpty { outputBegins() }
        output.append { bytes in
            start(&bytes)
            bytes.append(contentsOf: Self.idField)
            context.requestID.append(number, to: &bytes)
            bytes.append(contentsOf: Self.lineEnd)
            if let trace = exchange.trace {
                let answer = trace.answer(span: context.requestID.name(number))
                bytes.append(contentsOf: "traceresponse: \(answer)\r\n".utf8)
            }
            ResponseEncoder.appendEnd(to: &bytes, framing: framing, connection: option, date: shard.date)
        }
        exchange.status = status.code
        exchange.framing = framing
        exchange.sendsBody = sendsBody
        exchange.responseBytes = output.byteCount - before
        return exchange
    }

    /// From now on the client is to take what waits for it.
    private func outputBegins() {
        lastOutput = shard.loop.now
        outputPace = PaceKeeper(now: shard.loop.now)
        outputRate = context.limits.minimumRate
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
        defer { countOutput() }
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
        var reads = 0
        while reads < Self.readsPerTurn {
            switch transport.read(into: shard.readBuffer) {
            case .bytes(let count):
                if count > 0 { lastInput = shard.loop.now }
                reads += transport.hasYielded ? Self.readsPerTurn : 1
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
}
