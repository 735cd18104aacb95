package import Imaging
package import SegmentAnything

/// An image without a prompt, label by label, as a task answers it: what the image does not show has an empty mask, each pixel
/// goes to the likeliest label, and debris to none.
///
/// The service and the held-out scores both answer through this, so that the scores are of what is served.
package enum Unprompted {
    package struct Answer<Detail> {
        package let label: Int
        package let mask: Mask
        package let route: PromptlessRoute
        /// An estimate of the mask's intersection over union, as the decoder gave it; of an object that is not there, that of
        /// its being there.
        package let score: Double
        /// False: the object is not in the image, and nobody asked the decoder.
        package let isThere: Bool
        /// What came with the decoder's answer; nil when it was not asked.
        package let detail: Detail?
    }

    /// - Parameters:
    ///   - labels: Asked for, each once; they contest the pixels among themselves.
    ///   - embedding: Of all of the image, by which an object is found or not.
    ///   - mirrored: Of its mirror image, where that counts as much.
    ///   - profile: Of a label; nil where nothing is known of the support set.
    ///   - answer: The decoder's, to a label without a prompt, the likeness that had a part in it, and whatever the caller wants to keep of
    ///     it.
    package static func answers<Detail>(
        _ labels: [Int], on embedding: ImageEmbedding, mirrored: ImageEmbedding? = nil,
        profile: (Int) -> SupportProfile?,
        answer: (Int) throws -> (prediction: MaskPrediction, likeness: MaskPrediction?, detail: Detail)
    ) rethrows -> [Answer<Detail>] {
        let (width, height) = (embedding.geometry.originalWidth, embedding.geometry.originalHeight)
        var contest = labels.count > 1 ? LabelContest(width: width, height: height) : nil
        let answers = try labels.map { label in
            let known = profile(label)
            let route = known?.route ?? .model
            if let found = known?.presence(embedding, mirrored: mirrored), !found.isThere {
                return Answer<Detail>(
                    label: label, mask: Mask(empty: width, height: height), route: route, score: found.score,
                    isThere: false, detail: nil)
            }
            let (prediction, likeness, detail) = try answer(label)
            contest?.enter(prediction, likeness: likeness, as: label)
            // Among several labels the mask is what the contest leaves.
            let mask = contest == nil ? prediction.mask() : Mask(empty: width, height: height)
            return Answer(
                label: label, mask: mask, route: route, score: Double(prediction.predictedIoU), isThere: true,
                detail: detail)
        }
        let shown = contest?.labels
        return answers.map { answer in
            guard answer.isThere else { return answer }
            let mask = shown?.mask(answer.label) ?? answer.mask
            return answer.with(profile(answer.label)?.debris?.removed(from: mask) ?? mask)
        }
    }
}

extension Unprompted.Answer {
    fileprivate func with(_ mask: Mask) -> Self {
        Self(label: label, mask: mask, route: route, score: score, isThere: isThere, detail: detail)
    }
}
