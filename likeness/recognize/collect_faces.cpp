#include "likeness/recognize/collect_faces.h"

#include <utility>

#include "likeness/gallery/exchange.h"
#include "likeness/gallery/face_review.h"

namespace likeness {

void append_origin(RowOrigins& origins, const PhotoFaces& photo, std::size_t i) {
  const Face& face = photo.faces[photo.chosen[i]];
  origins.hashes.push_back(photo.sha256);
  append_face_row(origins.faces, face.box, face.landmarks, measure_quality(face, photo.chips[i]));
}

CollectedFaces collect_faces(const PhotoFolder& photos, const std::filesystem::path& folder,
                             PhotoStream& stream, const Progress& progress,
                             const std::function<void(const PhotoFaces&)>& unreadable) {
  std::vector<std::filesystem::path> files;
  for (const LabelledPhoto& photo : photos.train) files.push_back(photo.file);
  for (const LabelledPhoto& photo : photos.val) files.push_back(photo.file);

  CollectedFaces result;
  const auto take = [&](PhotoFaces&& photo) {
    if (!photo.error.empty()) {
      if (unreadable) unreadable(photo);
      result.unreadable.push_back(std::move(photo.error));
      return;
    }
    const std::filesystem::path name = photo.file.lexically_relative(folder);
    if (photo.chips.empty()) {
      result.without_face.push_back(name);
      return;
    }
    const bool train = photo.index < photos.train.size();
    const LabelledPhoto& known =
        train ? photos.train[photo.index] : photos.val[photo.index - photos.train.size()];
    FacePart& part = train ? result.faces.train : result.faces.val;
    if (!photo.sha256.empty()) append_origin(part.origins, photo, 0);
    part.chips.push_back(std::move(photo.chips.front()));
    part.labels.push_back(known.label);
    part.files.push_back(name.generic_string());
    if (photo.embeddings.size() == 0) return;
    Embeddings& embeddings = train ? result.embeddings.train.embeddings : result.embeddings.val.embeddings;
    embeddings.dimension = photo.embeddings.dimension;
    embeddings.values.insert(embeddings.values.end(), photo.embeddings.values.begin(),
                             photo.embeddings.values.end());
  };
  stream.run(PhotoSource::files(std::move(files)), take, nullptr, progress);

  for (const auto& [from, to] : {std::pair{&result.faces.train, &result.embeddings.train},
                                 std::pair{&result.faces.val, &result.embeddings.val}}) {
    if (to->embeddings.size() == 0) continue;
    to->labels = from->labels;
    to->files = from->files;
    to->origins = from->origins;
  }
  return result;
}

}  // namespace likeness
