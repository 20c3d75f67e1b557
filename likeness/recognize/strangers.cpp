#include "likeness/recognize/strangers.h"

#include <nlohmann/json.hpp>

#include "likeness/dataset/dataset_file.h"
#include "likeness/gallery/exchange.h"

namespace likeness {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::vector<Stranger> StrangerFaces::without(const std::set<std::string>& excluded) const {
  std::vector<Stranger> strangers;
  for (std::size_t i = 0; i < people.size(); ++i) {
    if (excluded.contains(people[i]) || excluded.contains(photos[i])) continue;
    strangers.push_back({embeddings[i], people[i], photos[i], hashes[i]});
  }
  return strangers;
}

StrangerFaces read_strangers(const fs::path& npz, const GalleryStore& gallery) {
  require_same_space(gallery.space(), gallery.name(), space_of_npz(npz), npz.string());
  StrangerFaces result;
  EmbeddingDataset dataset = read_embeddings(npz);
  for (EmbeddingPart* part : {&dataset.train, &dataset.val}) {
    if (part->labels.empty()) continue;
    l2_normalize(part->embeddings);
    result.embeddings.dimension = part->embeddings.dimension;
    result.embeddings.values.insert(result.embeddings.values.end(), part->embeddings.values.begin(),
                                    part->embeddings.values.end());
    result.people.insert(result.people.end(), part->labels.begin(), part->labels.end());
    part->files.resize(part->labels.size());
    result.photos.insert(result.photos.end(), part->files.begin(), part->files.end());
    part->origins.hashes.resize(part->labels.size());
    result.hashes.insert(result.hashes.end(), part->origins.hashes.begin(), part->origins.hashes.end());
  }
  return result;
}

StrangerFaces embed_strangers(std::span<const LabelledPhoto> photos, const Recognizer& recognizer,
                              const std::function<void(const PhotoFaces&)>& each, const Progress& progress) {
  std::vector<fs::path> files;
  for (const LabelledPhoto& photo : photos) files.push_back(photo.file);
  StrangerFaces result;
  result.embeddings.dimension = recognizer.space().dimension;
  const auto take = [&](PhotoFaces&& photo) {
    if (each) each(photo);
    if (!photo.error.empty() || photo.chosen.empty()) return;
    result.people.push_back(photos[photo.index].label);
    result.photos.push_back(photo.id);
    result.hashes.push_back(photo.sha256);
    const auto row = photo.averaged[0];
    result.embeddings.values.insert(result.embeddings.values.end(), row.begin(), row.end());
  };
  recognizer.stream({.faces = FacesWanted::kMain, .hash = true})
      .run(PhotoSource::files(std::move(files)), take, nullptr, progress);
  return result;
}

Json json_of(const CalibrationReport& report, std::size_t excluded) {
  Json json = Json::parse(to_json(report.calibration));
  if (report.calibration.mate_faces == 0) {
    json["fnir"] = nullptr;
    json["fnir_reason"] = "no enrolled person has two faces";
  }
  json["left_out"] = {
      {"same_name", report.same_name}, {"same_photo", report.same_photo}, {"excluded", excluded}};
  json["look_alikes"] = Json::array();
  for (const LookAlike& one : report.look_alikes) {
    json["look_alikes"].push_back({{"person", one.person},
                                   {"photo", one.photo},
                                   {"enrolled", one.enrolled.name},
                                   {"similarity", one.enrolled.similarity},
                                   {"cosine", one.enrolled.cosine}});
  }
  return json;
}

}  // namespace likeness
