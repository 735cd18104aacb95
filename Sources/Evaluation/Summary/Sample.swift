/// A value that belongs to one patient of one dataset.
package struct Sample: Sendable {
    package let dataset: String
    package let patient: String
    package let value: Double

    package init(dataset: String, patient: String, value: Double) {
        self.dataset = dataset
        self.patient = patient
        self.value = value
    }
}

/// Makes samples of rows; where patients are not known each image is one.
struct Sampler {
    private let pattern: PatientPattern

    init(_ settings: EvaluationSettings) { pattern = PatientPattern(settings.patientPattern) }

    /// Leaves out rows that have no value.
    func samples(_ rows: [ResultRow], _ value: (ResultRow) -> Double?) -> [Sample] {
        rows.compactMap { row in
            value(row).map { Sample(dataset: row.dataset, patient: pattern.patient(of: row.stem), value: $0) }
        }
    }
}
