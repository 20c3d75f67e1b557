#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/gallery/gallery.h"
#include "likeness/recognize/recognizer.h"
#include "serve/import/old_server.h"

namespace likeness::serve {

enum class ImportStatus {
  kEnrolled,
  kKnown,         ///< Brought by an earlier run, or the same photo was enrolled before.
  kRefused,       ///< By the review, or as nobody may be called so.
  kNoFace,        ///< None found in the photo.
  kSeveralFaces,  ///< More than one that may be meant.
  kUnreadable,    ///< No picture that is read here.
  kFailed,        ///< The server did not give the photo.
  kNoPhoto,       ///< The server keeps none: of this face, or (without a photo) of this person.
};
[[nodiscard]] std::string_view to_string(ImportStatus status);

/// What became of one photo, or of a person of whom the server has none.
struct ImportedPhoto {
  std::string person;
  std::string photo;  ///< OldPhoto::id; empty where it is about a person.
  ImportStatus status = ImportStatus::kEnrolled;
  std::string why;  ///< In words; empty where the status says all.
};

struct ImportOptions {
  Review review = Review::kStandard;
  /// Called for each, one at a time, when what it says is on the disk.
  std::function<void(const ImportedPhoto&)> each{};
  Progress listing{};  ///< Of OldServer::list().
  Progress progress{};
};

struct ImportSummary {
  std::size_t people = 0;  ///< That the server knows.
  std::size_t photos = 0;  ///< That it names.
  std::size_t enrolled = 0, known = 0,
              left = 0;  ///< `left` were not brought: photos, and people without any.
};

/// Brings everybody over: asks for each photo that was not brought before, and enrols its one face under the
/// person's name. Safe to stop and to run again: what was brought is known by its origin
/// (StoredFace::photo), and by the photo's hash. `known`: the gallery where there is one already, else null;
/// `gallery` opens or makes it when the first face is to be enrolled.
/// @throws Error as OldServer::list(); kUnavailable where five photos in a row do not come; as
/// Recognizer::enrol().
ImportSummary import_people(OldServer& server, const Recognizer& recognizer, const Gallery* known,
                            const std::function<Gallery&()>& gallery, const ImportOptions& options);

}  // namespace likeness::serve
