package import SegmentAnything

/// All that an evaluation has found out: what the files and the report are made of.
package struct Findings: Sendable {
    package let modelName: String
    package let modelSHA256: String
    package let modelConfiguration: Configuration
    package let settings: EvaluationSettings
    package let datasets: [Dataset]
    /// In the order in which they were measured.
    package let rows: [ResultRow]
    package let omissions: [Omission]
    /// Images under all arms.
    package let cellsDone: Int
    package let cellsPlanned: Int

    package var isComplete: Bool { cellsDone >= cellsPlanned }
}
