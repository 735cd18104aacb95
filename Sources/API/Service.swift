import Adaptation
import Basics
import Cryptography
import HTTP
package import Imaging
package import Jobs
package import Logging
package import SegmentAnything
package import Storage

/// The whole service without its socket: its models, one data folder, the job queue, the caches. Handlers are extensions of
/// it, one file for each resource.
package final class Service: Sendable {
    package struct Configuration: Sendable {
        package var imageLimits = ImageLimits.standard
        /// Support examples of one task.
        package var maximumExamples = 512
        /// Of all images of a support set together.
        package var maximumSupportPixels = 1 << 29
        /// Of an adapter's file that is imported.
        package var maximumAdapterBytes = 256 << 20
        /// The longest time a `?wait=` may ask for.
        package var maximumWaitSeconds = 600
        package var embeddingCacheBytes = 256 << 20
        package var adapterCacheBytes = 256 << 20
        /// What the server may take while a job runs: a job that takes it further fails.
        package var jobMemory = MemoryBudget.unlimited
        /// What images and masks of answers in progress may take.
        package var answerMemory = AnswerMemory.unlimited
        /// Segment requests that may wait for the model.
        package var maximumWaitingRequests = 64
        /// Free disk below which `/readyz` says no.
        package var minimumFreeBytes = 64 << 20
        /// Whether browsers may know the server by any name although nobody is asked for a token: `--insecure-open`.
        package var isOpen = false
        /// How long tasks, images and the audit log are kept; nil: until somebody deletes them.
        package var retention: Duration?
        /// Files served under `/`; nil: none.
        package var publicDirectory: String?
        package var clock = WallClock.system
        /// The text of `openapi.yaml`; nil: not found beside the program.
        package var contract: [UInt8]?

        package init() {}
    }

    let configuration: Configuration
    package let access: AccessControl
    package let models: ServedModels
    package let store: any Store
    package let jobs: JobQueue
    /// Requests for masks, to which jobs give way.
    package let gate = InteractiveGate()
    /// Masks on embeddings that are there, to which encoders give way.
    let clicks = InteractiveGate(patience: .seconds(1), turn: .milliseconds(100))
    package let embeddings: SharedCache<EmbeddingKey, ImageEmbedding>
    let adapters: SharedCache<String, Adapter>
    let speeds = SpeedProbes()
    let profiles: SupportProfiles
    let log: Logger
    let build = BuildInfo.current
    /// Of `openapi.yaml`.
    let contractTag: EntityTag
    /// Raster work: decoding uploads.
    let imaging: WorkQueue
    /// The encoder: seconds for a big model.
    let encoding: WorkQueue
    /// The mask decoder, milliseconds: clicks on an image whose embedding is there do not wait for another's encoder.
    let decoding: WorkQueue
    /// Files of requests and the rows that name them: a disk takes its time, and the threads of Swift's concurrency are few.
    let storing: WorkQueue
    let eventStreams = EventStreams()
    package let telemetry = Telemetry()
    let auditLog: AuditLog?
    let idempotency = Lock(Idempotency())
    let quotas = QuotaLedger()
    private let retention: RetentionTimer
    private let stopping = Lock(false)

    /// With one model.
    package convenience init(
        model: SegmentAnythingModel, store: any Store, configuration: Configuration = .init(),
        access: AccessControl? = nil, auditLog: AuditLog? = nil, log: Logger = Logger(label: "gmiseg.api")
    ) {
        self.init(
            models: ServedModels(model), store: store, configuration: configuration, access: access,
            auditLog: auditLog, log: log)
    }

    /// - Parameters:
    ///   - access: Nil: everybody may do everything.
    ///   - auditLog: Nil: no record is kept of who did what.
    package init(
        models: ServedModels, store: any Store, configuration: Configuration = .init(),
        access: AccessControl? = nil, auditLog: AuditLog? = nil, log: Logger = Logger(label: "gmiseg.api")
    ) {
        self.auditLog = auditLog
        retention = RetentionTimer()
        self.access = access ?? AccessControl(log: log)
        self.configuration = configuration
        contractTag = EntityTag((configuration.contract ?? []).withUnsafeBytes { SHA256.hex($0) })
        self.models = models
        self.store = store
        self.log = log
        profiles = SupportProfiles(store: store, imageLimits: configuration.imageLimits)
        let worker = AdaptationWorker(
            models: models, store: store, gate: gate, speeds: speeds, profiles: profiles,
            imageLimits: configuration.imageLimits, memory: configuration.jobMemory)
        jobs = JobQueue(
            store: store, worker: MeasuredWorker(worker: worker, telemetry: telemetry), log: log)
        embeddings = SharedCache(byteCapacity: configuration.embeddingCacheBytes)
        adapters = SharedCache(byteCapacity: configuration.adapterCacheBytes)
        imaging = WorkQueue(label: "gmiseg.imaging", capacity: configuration.maximumWaitingRequests)
        encoding = WorkQueue(label: "gmiseg.encoding", capacity: configuration.maximumWaitingRequests)
        decoding = WorkQueue(label: "gmiseg.decoding", capacity: configuration.maximumWaitingRequests)
        storing = WorkQueue(label: "gmiseg.storing", capacity: configuration.maximumWaitingRequests)
    }

    /// Takes up the jobs that an earlier process left.
    package func start() throws { try jobs.start() }

    /// Removes what has expired, now and from time to time, where a retention is set.
    package func startRetention() {
        guard let span = configuration.retention else { return }
        retention.start(
            span, clock: configuration.clock,
            onDoubt: { [log] in
                log.warning(
                    "the machine's clock was set ahead: nothing expires until it has been kept for the whole retention since",
                    metadata: ["hint": "restart the server if the clock is right and what is old may go"])
            },
            { [weak self] in self?.removeExpired() })
    }

    package var isStopping: Bool { stopping.withLock { $0 } }

    /// Ends waits early and has the running job save a checkpoint and go back into the queue; then calls back.
    package func stop(completion: @escaping @Sendable () -> Void) {
        stopping.withLock { $0 = true }
        eventStreams.endAll()
        retention.stop()
        jobs.stop(completion: completion)
    }
}
