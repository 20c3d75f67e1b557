#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/classify/classifier.h"
#include "likeness/cluster/cluster.h"
#include "likeness/core/progress.h"
#include "likeness/detect/face_detector.h"
#include "likeness/embed/embedding_space.h"
#include "likeness/gallery/face_review.h"
#include "likeness/gallery/gallery.h"
#include "likeness/gallery/naming.h"
#include "likeness/gallery/trained.h"
#include "likeness/image/image.h"
#include "likeness/recognize/photo_source.h"
#include "likeness/recognize/photo_stream.h"
#include "likeness/recognize/setup.h"

namespace likeness {

/// A face of a photo and its embedding.
struct FoundFace {
  Face face;                     ///< Pixels of the upright photo.
  FaceQuality quality;           ///< Measured, see gallery/face_review.h.
  std::vector<float> embedding;  ///< Of Recognizer::space(): unit length.
};

/// Who a face of a photo is, or nobody known.
struct SearchedFace : Identification {
  Face face;
};

// ---- verify ----

struct VerifyOptions {
  double false_match_rate = 0.001;       ///< Wanted; the nearest that was measured is taken.
  std::optional<double> threshold = {};  ///< A similarity in [-1, 1] instead.
};

/// What was found on one side of a comparison.
struct VerifiedSide {
  std::size_t photos = 0;
  std::size_t faces = 0;            ///< Main faces; more than one are taken together (their mean direction).
  std::vector<std::string> errors;  ///< Of photos that could not be read; each names its photo.
};

/// From which similarity on two faces count as one person.
struct VerificationRule {
  double threshold = 0;  ///< A cosine as the model compares.
  std::optional<double> false_match_rate =
      {};              ///< Of strangers' pairs, measured; empty: the caller's threshold.
  std::string origin;  ///< Of which data, in words.
};

struct VerificationResult {
  VerifiedSide a;
  VerifiedSide b;
  std::optional<double> similarity;  ///< Cosine as the model compares, in [-1, 1]; empty: a side has no face.
  VerificationRule rule;             ///< The threshold, and where it comes from.

  /// Whether both show one person; empty where a side has no face.
  [[nodiscard]] std::optional<bool> same() const {
    return similarity ? std::optional(*similarity >= rule.threshold) : std::nullopt;
  }
};

// ---- enrol ----

enum class EnrolStatus {
  kEnrolled,
  kKnown,       ///< The same face of the same photo was there already.
  kRefused,     ///< By the review, `findings` say why; or as nobody may be called so, `error` says that.
  kNoFace,      ///< None found in the photo.
  kUnreadable,  ///< The photo; `error` says why.
};
[[nodiscard]] std::string_view to_string(EnrolStatus status);

/// What became of one photo that was to be enrolled.
struct EnrolledPhoto {
  std::string photo;   ///< Photo::id.
  std::string person;  ///< Whom it was to be enrolled as; of a known face whom it belongs to.
  EnrolStatus status = EnrolStatus::kEnrolled;
  std::string error;                    ///< kUnreadable, kRefused.
  std::size_t faces = 0;                ///< In the photo; the main one is enrolled.
  std::optional<FaceQuality> quality;   ///< Of that one.
  std::vector<ReviewFinding> findings;  ///< Against it.
  std::int64_t face = 0;                ///< Its number in the gallery: kEnrolled, kKnown.
};

struct EnrolOptions {
  Review review = Review::kStandard;
  bool keep_crops = false;  ///< Keep each enrolled face's chip as a JPEG, sealed as the gallery's values are.
  /// Refuse a photo that shows another face of at least a tenth of the main one's area: which of them is
  /// meant would be a guess. Smaller ones are passers-by, a badge, or a fold that a detector takes for one.
  bool one_face = false;
  /// Called for each photo in its order, when what it says is on the disk.
  std::function<void(const EnrolledPhoto&)> each{};
  Progress progress{};
};

struct EnrolSummary {
  std::size_t photos = 0, enrolled = 0, known = 0, refused = 0, without_face = 0, unreadable = 0;
};

// ---- group ----

struct GroupOptions {
  ClusterOptions cluster{};  ///< Its `threads` is the recogniser's; its threshold by default fits the number.
  Review review = Review::kStandard;  ///< Faces beyond its limits are left aside: blurred ones look alike.
  int thumbnail_px = 0;               ///< Side of GroupedFace::thumbnail; 0: none.
  /// The cluster that a face had before, by the SHA-256 of its photo and its box: it keeps its number.
  std::function<std::optional<int>(const std::string& sha256, const Box& box)> before{};
  std::function<void(const PhotoFaces&)> each{};  ///< Called for each photo in its order.
  Progress progress{};
};

struct GroupedFace {
  std::string photo;   ///< Photo::id.
  std::string sha256;  ///< Of the photo's bytes; empty where it came as pixels.
  ImageSize photo_size{};
  Face face;
  FaceQuality quality;
  Image thumbnail;
  int cluster = kNoise;
};

struct Groups {
  std::vector<GroupedFace> faces;  ///< With clusters, kNoise among them.
  Embeddings embeddings;           ///< Of `faces`; Recognizer::space().
  std::vector<GroupedFace> aside;  ///< Kept out by the review.
  double threshold = 0;            ///< Cosine from which two faces were linked.
  std::size_t photos = 0;
  std::size_t unreadable = 0;

  /// Faces of each cluster, by cluster; noise is left out.
  [[nodiscard]] std::vector<std::vector<std::size_t>> members() const;
};

/// A cluster that was enrolled.
struct EnrolledGroup {
  int cluster = 0;
  std::string person;
  bool known = false;     ///< The person was enrolled before.
  std::size_t added = 0;  ///< Faces that are new.
};

// ---- name ----

/// A gallery that keeps strangers out of a classifier's answers.
struct Gate {
  std::shared_ptr<const GalleryView> view;
  NamingRule rule;
};

/// Gets each photo in its order, with who is in it (of PhotoFaces::chosen).
using NameSink = std::function<void(PhotoFaces&, std::span<const TrainedIdentification>)>;

struct NameOptions {
  bool keep_pixels = false;  ///< Whether PhotoFaces::pixels is filled.
  Progress progress{};
};

/// The whole job in one place: photos in, faces, people and groups out. Slow to make ready (the network is
/// loaded by load(), or by the first call that embeds), cheap to run: make one and share it. Any number of
/// threads may call its members at once.
///
/// Members that take a gallery or view throw Error kModelMismatch where it holds embeddings of another space.
/// A photo that cannot be read is Error kImageUnreadable where there is one, and named in the result where
/// there are many.
class Recognizer {
 public:
  /// Finds the packs that `setup` names and loads the detector.
  /// @throws Error kModelNotFound, kModelInvalid; std::invalid_argument for options out of range.
  explicit Recognizer(Setup setup = {});
  ~Recognizer();
  Recognizer(Recognizer&&) noexcept;
  Recognizer& operator=(Recognizer&&) noexcept;

  [[nodiscard]] const Setup& setup() const;
  [[nodiscard]] const Contract& contract() const;
  /// Of the embeddings it makes: what a gallery for it is made with.
  [[nodiscard]] const EmbeddingSpace& space() const;
  /// Loads the network now, as PhotoStream::load(). @throws Error kModelNotFound, kModelInvalid,
  /// kUnsupported.
  void load() const;

  /// A stream of its own work over the same detector and network, for whatever is not offered here.
  [[nodiscard]] PhotoStream stream(const StreamWork& work) const;

  /// All faces of a photo, best detection score first; none is an empty result.
  [[nodiscard]] std::vector<FoundFace> find(const Photo& photo) const;

  /// The rule that verify() goes by. @throws std::invalid_argument where the model has no measured threshold
  /// and none is given.
  [[nodiscard]] VerificationRule verification_rule(const VerifyOptions& options = {}) const;
  /// Whether two photos, or two sets of photos, show one person. @throws as verification_rule().
  [[nodiscard]] VerificationResult verify(PhotoSource a, PhotoSource b,
                                          const VerifyOptions& options = {}) const;

  /// Enrols the main face of each photo as `person`.
  /// @throws std::invalid_argument for a name that no person may have; Error as GalleryStore::add_faces();
  /// what was enrolled before stays.
  EnrolSummary enrol(Gallery& gallery, const std::string& person, PhotoSource photos,
                     const EnrolOptions& options = {}) const;
  /// The same for photos of many people: `person_of` says whom the photo with this position in the source is
  /// to be enrolled as. `gallery` opens or makes the gallery when the first face is to be enrolled, once:
  /// where there is none, none is made.
  EnrolSummary enrol(const std::function<Gallery&()>& gallery, PhotoSource photos,
                     const std::function<std::string(std::size_t)>& person_of,
                     const EnrolOptions& options = {}) const;

  /// Who is in a photo. The rule is naming_rule() of the view unless one is given.
  [[nodiscard]] std::vector<SearchedFace> search(const GalleryView& view, const Photo& photo) const;
  [[nodiscard]] std::vector<SearchedFace> search(const GalleryView& view, const Photo& photo,
                                                 const NamingRule& rule) const;
  /// The same for many photos; `sink` gets each in its order with its faces (of PhotoFaces::chosen).
  void search(const GalleryView& view, PhotoSource photos, const NamingRule& rule,
              const std::function<void(const PhotoFaces&, std::span<const SearchedFace>)>& sink,
              const Progress& progress = {}) const;

  /// Groups the faces of many photos by person.
  [[nodiscard]] Groups group(PhotoSource photos, const GroupOptions& options = {}) const;
  /// Enrols every cluster: as the person whom the gallery's rule names in more than half of its faces, else
  /// as somebody new, "person N" with the first free N.
  std::vector<EnrolledGroup> enrol(Gallery& gallery, const Groups& groups) const;

  /// @throws Error kModelMismatch where the classifier, called `what`, learnt embeddings of another space.
  void require_classifier(const Classifier& people, const std::string& what) const;
  /// Who is in the photos by a classifier, which always names somebody; with a gate the gallery says whether
  /// (identify_trained()).
  /// @throws Error kModelMismatch where the classifier or the gallery is of another space.
  void name(const Classifier& people, const Gate* gate, PhotoSource photos, const NameSink& sink,
            const NameOptions& options = {}) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace likeness
