import Dispatch
import HTTP
import HTTPTypes
import Posix

extension Connection {
    // Unsent bytes beyond which no further request is begun.
    static let congestion = 65_536

    // Files that wait to be sent beyond which no further request is begun: each holds a descriptor.
    private static let openFiles = 4

    // Reads of one connection before others on the shard get their turn.
    static let readsPerTurn = 16

    // Bytes that wait in the transport beyond which the client is cut off. An answer has a record there, or a handshake: whoever has more
    // there makes TLS reply, and takes no replies.
    private static let transportBacklog = 262_144

    /// Parses, reads and writes as far as that goes now.
    func pump() {
        var reads = 0
        repeat {
            takeInput(&reads)
            // Reading may have stopped for the output alone, and the socket will not tell again of what it holds.
        } while flush() && mayRead && reads < Self.readsPerTurn && hasInput
        guard let transport else { return }
        guard transport.pendingOutput <= Self.transportBacklog else {
            transport.resetOnClose()
            close()
            return
        }
        if peerHasFinished, !inputHasEnded, state.phase == .answering { readAhead() }
        if mayRead, hasInput { shard.loop.execute { self.pump() } }
    }

    /// Parses and reads as far as that goes now.
    func takeInput(_ reads: inout Int) {
        while transport != nil, mayRead, reads < Self.readsPerTurn {
            if pendingStart < pending.count {
                let input = pending
                pendingStart += feed(input.span.extracting(pendingStart..<input.count))
                if pendingStart >= pending.count { (pending, pendingStart) = ([], 0) }
            } else if inputHasEnded {
                inputEnded()
            } else if isReadable {
                readAndFeed()
                reads += transport?.hasYielded == true ? Self.readsPerTurn : 1
            } else {
                break
            }
        }
    }

    private var mayRead: Bool {
        state.wantsInput && !spool.isFull && output.byteCount < Self.congestion && output.fileCount < Self.openFiles
            && exchange?.awaitsRoom != true
    }

    private var hasInput: Bool { pendingStart < pending.count || inputHasEnded || isReadable }

    private func readAndFeed() {
        guard let transport else { return }
        let buffer = shard.readBuffer
        switch transport.read(into: buffer) {
        case .wouldBlock: isReadable = false
        case .closed: inputHasEnded = true
        case .bytes(let count):
            if count > 0 { lastInput = shard.loop.now }
            let used = UnsafeBufferPointer(rebasing: buffer.bindMemory(to: UInt8.self)[..<count])
            let consumed = feed(used.span)
            if consumed < count { (pending, pendingStart) = (Array(used[consumed...]), 0) }
            // A short read has emptied the socket; the next edge will tell of more. The end of input has told already.
            if count < buffer.count, !transport.hasYielded, !peerHasFinished { isReadable = false }
        }
    }

    /// The client has closed its sending half while an answer is due: reads what it sent before, so as to know whether it waits for
    /// more answers or has gone.
    private func readAhead() {
        guard let transport else { return }
        let buffer = shard.readBuffer
        while pending.count - pendingStart < buffer.count {
            switch transport.read(into: buffer) {
            case .wouldBlock: return
            case .closed:
                inputHasEnded = true
                if pendingStart >= pending.count { inputEnded() }
                return
            case .bytes(let count):
                pending.append(contentsOf: buffer[..<count])
                guard !transport.hasYielded else { return shard.loop.execute { self.pump() } }
            }
        }
    }

    private func inputEnded() {
        switch state.inputDidEnd() {
        case .linger: break  // the next flush sees to it
        case .clientGone: exchange?.reply?.clientHasGone()
        case .none: break
        }
    }

    /// Takes in bytes as long as the state allows.
    /// - Returns: How many were used.
    private func feed(_ input: Span<UInt8>) -> Int {
        var position = 0
        // A body whose last bytes have filled the backlog has ended all the same: nothing will come that tells it again.
        while mayRead || (state.wantsInput && parser.isBodyComplete) {
            if state.phase == .idle {
                guard position < input.count else { break }
                beginExchange()
            }
            do throws(RequestError) {
                guard let event = try parser.next(input, at: &position) else {
                    if state.phase == .head, parser.isBetweenRequests { forgetExchange() }
                    break
                }
                switch event {
                case .head(let head): headArrived(head)
                case .body(let range): bodyArrived(input.extracting(range))
                case .end: requestEnded()
                }
            } catch {
                fail(.malformed(error))
            }
        }
        return position
    }

    private func headArrived(_ head: RequestHead) {
        guard let exchange else { return }
        let destination = context.handler.destination(of: head.request)
        exchange.head = head
        exchange.destination = destination
        exchange.trace = head.request.headerFields[.traceparent].flatMap { TraceContext($0) }
        beginPace()
        let action = state.headArrived(head)
        phaseBegan = shard.loop.now
        exchange.earlyAnswer = destination.refusal(
            before: head.request, id: context.requestID.name(exchange.number))
        guard action != .none else { return }
        if let answer = exchange.earlyAnswer {
            self.answer(answer, exchange.number)
            return
        }
        let number = exchange.number
        let admission = context.admission.claim(
            head.framing, isKept: destination.keepsBody, now: shard.loop.now
        ) { [self] admission in
            shard.loop.execute {
                self.admitted(admission, number)
                self.pump()
            }
        }
        exchange.awaitsRoom = admission == nil
        if let admission { admitted(admission, number) }
    }

    /// From now on the client is to send its body.
    private func beginPace() {
        inputPace = PaceKeeper(now: shard.loop.now)
        lastInput = shard.loop.now
    }

    /// It is known whether there is room for the body of exchange `number`.
    private func admitted(_ admission: AdmissionGate.Answer, _ number: UInt64) {
        guard transport != nil, let exchange, exchange.number == number, let head = exchange.head else {
            // The client has gone, or has been told that it takes too long.
            if case .success(let claim) = admission { context.admission.release(claim) }
            return
        }
        // What the server took its time for is not the client's.
        if exchange.awaitsRoom { beginPace() }
        exchange.awaitsRoom = false
        do throws(Refusal) {
            exchange.claim = try admission.get()
            exchange.claimedBytes = context.limits.memoryThreshold
            let mediaType = head.request.headerFields[.contentType].flatMap { MediaType($0) }
            exchange.receiver = try BodyReceiver(
                mediaType: mediaType, limits: context.limits, directory: context.spoolDirectory)
        } catch {
            fail(error)
            return
        }
        if head.expectsContinue { output.append(ResponseEncoder.continueLine) }
    }

    /// Whether this body is taken in off the I/O queue, as it may touch the disk. A short one stays in memory for certain.
    private var isSpooled: Bool {
        switch exchange?.head?.framing {
        case .length(let count): count > context.limits.memoryThreshold
        case .chunked: true
        case .some(.none), nil: false
        }
    }

    private func bodyArrived(_ bytes: Span<UInt8>) {
        exchange?.requestBytes += bytes.count
        inputPace.moved(bytes.count)
        guard isSpooled else {
            do throws(Refusal) { try exchange?.receiver?.receive(bytes) } catch { fail(error) }
            return
        }
        spool.bytes.append(bytes, 0..<bytes.count)
        spoolNext()
        if spool.isFull { spool.fullSince = spool.fullSince ?? shard.loop.now }
    }

    private func requestEnded() {
        state.requestEnded()
        guard let number = exchange?.number else { return }
        if let answer = exchange?.earlyAnswer {
            self.answer(answer, number)
        } else if let receiver = exchange?.receiver {
            if isSpooled {
                spool.hasEnded = true
                spoolNext()
            } else {
                do throws(Refusal) { call(try receiver.finish()) } catch { fail(error) }
            }
        } else {
            call(.none)
        }
    }

    /// Gives the receiver its next job, unless it has one.
    private func spoolNext() {
        guard !spool.isBusy, let exchange, let receiver = exchange.receiver else { return }
        let number = exchange.number
        guard !spool.bytes.isEmpty || spool.hasEnded else { return }
        guard exchange.head?.framing != .chunked || exchange.requestBytes <= exchange.claimedBytes else {
            return extendClaim(exchange)
        }
        let bytes = spool.bytes
        let isLast = spool.hasEnded
        spool.bytes = []
        spool.isBusy = true
        context.spool.submit { [self] in
            let outcome: Result<RequestBody?, Refusal>
            do throws(Refusal) {
                try receiver.receive(bytes.span)
                outcome = .success(isLast ? try receiver.finish() : nil)
            } catch {
                outcome = .failure(error)
            }
            shard.loop.execute { self.spooled(outcome, number) }
        }
    }

    /// Sets aside room for more of a body whose length nobody knows, and goes on to spool it.
    private func extendClaim(_ exchange: Exchange) {
        guard let claim = exchange.claim, let destination = exchange.destination else { return }
        let number = exchange.number
        spool.isBusy = true
        let admission = context.admission.extend(claim, isKept: destination.keepsBody, now: shard.loop.now) {
            [self] admission in
            shard.loop.execute {
                self.extended(admission, number)
                self.pump()
            }
        }
        if let admission { extended(admission, number) }
    }

    private func extended(_ admission: AdmissionGate.Answer, _ number: UInt64) {
        guard transport != nil, let exchange, exchange.number == number, let claim = exchange.claim else {
            if case .success(let claim) = admission { context.admission.release(claim) }
            return
        }
        switch admission {
        case .success(let more):
            exchange.claim = claim + more
            exchange.claimedBytes += AdmissionLedger.step
            spool.isBusy = false
            spoolNext()
        case .failure(let refusal): fail(refusal)
        }
    }

    private func spooled(_ outcome: Result<RequestBody?, Refusal>, _ number: UInt64) {
        guard transport != nil, exchange?.number == number else { return }
        spool.isBusy = false
        // The disk's time is not the client's.
        if let full = spool.fullSince {
            inputPace.excuse(shard.loop.now.since(full))
            spool.fullSince = nil
        }
        lastInput = shard.loop.now
        switch outcome {
        case .success(let body?):
            spool = SpoolBacklog()
            call(body)
        case .success(nil): spoolNext()
        case .failure(let refusal): fail(refusal)
        }
        pump()
    }

    /// Hands the complete request to the handler.
    private func call(_ body: RequestBody) {
        guard let exchange, let head = exchange.head, let destination = exchange.destination else { return }
        exchange.receiver = nil
        if let constant = destination.constant {
            answer(constant, exchange.number)
        } else if context.handlers.waitingCount < context.limits.waitingRequests {
            let request = Request(
                head: head.request, body: body, peer: peer, id: context.requestID.name(exchange.number))
            let reply = ReplyState()
            exchange.reply = reply
            let writer = ResponseWriter(self, number: exchange.number, reply: reply)
            context.handlers.submit { destination.respond(to: request, reply: writer) }
        } else {
            refuse(.busy(.requests), exchange.number)
        }
    }

    /// The request cannot be served; its answer, if one may still be given, is the connection's last.
    func fail(_ refusal: Refusal) {
        state.requestFailed(parser.pendingMethod)
        spool = SpoolBacklog()
        guard state.mayAnswer, let exchange else {
            close()
            return
        }
        // The handler has not seen the request, or has let it go.
        refuse(refusal, exchange.number)
    }
}
