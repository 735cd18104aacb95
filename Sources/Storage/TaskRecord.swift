/// One class of pixels in a task's masks.
package struct Label: Sendable, Equatable, Codable {
    /// The integer that marks the class in a label map; 0 is background.
    package var value: Int
    package var name: String

    package init(value: Int, name: String) {
        self.value = value
        self.name = name
    }
}

/// Millimetres between the centres of neighbouring pixels.
package struct PixelSpacing: Sendable, Equatable, Codable {
    package var x: Double
    package var y: Double

    package init(x: Double, y: Double) {
        self.x = x
        self.y = y
    }
}

/// A task to create, with its support set and first job: all of it or nothing.
package struct NewTask: Sendable {
    package var name: String
    package var labels: [Label]
    package var spacing: PixelSpacing?
    package var model: String
    /// The adapter and adaptation settings; opaque here.
    package var settingsJSON: String
    package var owner: String?
    package var support: [NewExample]
    package var job: NewJob?
    /// An imported adapter, which becomes version 1.
    package var adapter: NewAdapter?

    package init(
        name: String, labels: [Label], spacing: PixelSpacing?, model: String, settingsJSON: String,
        owner: String? = nil, support: [NewExample], job: NewJob?, adapter: NewAdapter? = nil
    ) {
        self.name = name
        self.labels = labels
        self.spacing = spacing
        self.model = model
        self.settingsJSON = settingsJSON
        self.owner = owner
        self.support = support
        self.job = job
        self.adapter = adapter
    }
}

/// A labelled image to keep.
package struct NewExample: Sendable {
    /// What the client called it, without folders and extension.
    package var stem: String
    package var image: FileContent
    package var mask: FileContent
    /// Hashes of the decoded pixels, not of the files.
    package var imageHash: String
    package var maskHash: String
    /// Pixels.
    package var width: Int
    package var height: Int
    /// Whom the image shows, where the client said so.
    package var patient: String?

    package init(
        stem: String, image: FileContent, mask: FileContent, imageHash: String, maskHash: String, width: Int,
        height: Int, patient: String? = nil
    ) {
        self.stem = stem
        self.image = image
        self.mask = mask
        self.imageHash = imageHash
        self.maskHash = maskHash
        self.width = width
        self.height = height
        self.patient = patient
    }
}

/// A task as it stands.
package struct TaskRecord: Sendable, Equatable {
    package let id: String
    package let owner: String?
    package let name: String
    package let labels: [Label]
    package let spacing: PixelSpacing?
    package let model: String
    package let settingsJSON: String
    package let created: Timestamp
    package let supportCount: Int
    /// The version of the adapter that answers; nil: the unadapted model does.
    package let servedAdapter: Int?
    package let latestJob: String?
    package let state: TaskState
}

/// Where a task's latest job has got to. It is read off the job, so that the two cannot disagree; a task without jobs
/// is ready.
package enum TaskState: String, Sendable, Codable, CaseIterable {
    case queued, adapting, ready, failed, cancelled

    package init(latestJob: JobState?) {
        self =
            switch latestJob {
            case .queued: .queued
            case .running: .adapting
            case .succeeded, nil: .ready
            case .failed: .failed
            case .cancelled: .cancelled
            }
    }
}

/// A labelled image of a task.
package struct SupportExample: Sendable, Equatable {
    package let task: String
    /// Position in the support set, from 0, in the order of arrival.
    package let index: Int
    package let stem: String
    package let image: StoredFile
    package let mask: StoredFile
    package let imageHash: String
    package let maskHash: String
    package let width: Int
    package let height: Int
    package let patient: String?
}

/// What a deletion removed.
package struct Deletion: Sendable, Equatable {
    package let task: String
    package let jobs: [String]
    package let fileCount: Int
    package let byteCount: Int
}
