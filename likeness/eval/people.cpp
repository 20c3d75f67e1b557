#include "likeness/eval/people.h"

#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <string_view>

#include "likeness/core/error.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/embed/comparison.h"
#include "likeness/eval/pairs_file.h"
#include "likeness/eval/photo_embeddings.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

void append(Embeddings& to, std::span<const float> row) {
  to.values.insert(to.values.end(), row.begin(), row.end());
}

void keep(People& people, const std::function<bool(const std::string&)>& wanted) {
  Embeddings embeddings{people.embeddings.dimension, {}};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < people.size(); ++i) {
    if (!wanted(people.people[i])) continue;
    append(embeddings, people.embeddings[i]);
    names.push_back(std::move(people.people[i]));
  }
  people.embeddings = std::move(embeddings);
  people.people = std::move(names);
}

}  // namespace

People read_people(const fs::path& npz) {
  EmbeddingDataset dataset = read_embeddings(npz);
  People people;
  people.source = npz.string();
  people.embeddings.dimension = dataset.train.embeddings.dimension;
  people.contract = dataset.space.contract;
  people.space = dataset.space.known() ? dataset.space.id() : "unknown model";
  for (EmbeddingPart* part : {&dataset.train, &dataset.val}) {
    l2_normalize(part->embeddings);
    append(people.embeddings, part->embeddings.values);
    people.people.insert(people.people.end(), part->labels.begin(), part->labels.end());
  }
  return people;
}

People embed_people(std::span<const LabelledPhoto> photos, const fs::path& source, const Setup& setup,
                    const fs::path& cache, const Progress& progress) {
  std::vector<fs::path> files;
  for (const LabelledPhoto& photo : photos) files.push_back(photo.file);
  const ModelPack pack = setup.embedder();
  PhotoEmbeddings found = embed_photos(files, pack, setup, cache, progress);
  People people;
  people.source = source.string();
  people.embeddings.dimension = found.embeddings.dimension;
  people.contract = to_json(pack.contract);
  people.space = std::move(found.id);
  for (std::size_t i = 0; i < photos.size(); ++i) {
    if (found.found(i)) {
      append(people.embeddings, found.embeddings[i]);
      people.people.push_back(photos[i].label);
      continue;
    }
    people.failed.push_back(files[i].string() + ": " + found.problems[i]);
    if (found.unreadable(i)) people.unreadable.push_back({files[i].string(), found.problems[i]});
  }
  return people;
}

void make_comparable(People& people) {
  people.embeddings = Comparison(people.contract, people.source).comparable(std::move(people.embeddings));
}

void keep_wanted(People& people, const std::optional<fs::path>& only, std::size_t min_photos) {
  std::set<std::string> named;
  if (only) {
    const std::vector<std::string> names = read_people_file(*only);
    named.insert(names.begin(), names.end());
  }
  std::map<std::string, std::size_t> photos;
  for (const std::string& name : people.people) ++photos[name];
  keep(people, [&](const std::string& name) {
    return photos[name] >= min_photos && (!only || named.contains(name));
  });
  if (people.people.empty())
    throw Error(ErrorCode::kInputUnreadable, "none of the faces is of a person wanted");
}

void require_pairs_fit(const People& people) {
  if (people.size() <= kMostFacesInPairs) return;
  throw std::invalid_argument("at most " + std::to_string(kMostFacesInPairs) + " faces, there are " +
                              std::to_string(people.size()) + "; choose fewer people");
}

Comparisons compare_all_pairs(const NamedFaces& faces) {
  Comparisons pairs;
  for (std::size_t i = 0; i < faces.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      auto& side = faces.people[i] == faces.people[j] ? pairs.mated : pairs.non_mated;
      side.push_back(dot(faces.embeddings[i], faces.embeddings[j]));
    }
  }
  return pairs;
}

void leave_aside(People& people, std::span<const std::string> names) {
  const std::set<std::string_view> left(names.begin(), names.end());
  keep(people, [&left](const std::string& name) { return !left.contains(name); });
}

}  // namespace likeness
