#include "likeness/gallery/view_maker.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "likeness/gallery/sketch_index.h"

namespace likeness {
namespace {

constexpr std::size_t kMostForFloats = 50'000;
constexpr std::size_t kMostForInt8 = 200'000;
/// Layers are joined up to this size whatever theirs are: copying so many faces takes about a millisecond.
constexpr std::size_t kSmallLayer = 256;
/// Faces between two reports of progress.
constexpr std::size_t kReadAtOnce = 1000;

using Layers = std::vector<std::shared_ptr<const Layer>>;

std::size_t count_faces(const Layers& layers) {
  std::size_t faces = 0;
  for (const auto& layer : layers) faces += layer->size();
  return faces;
}

std::optional<std::int64_t> owner_in(const Layers& layers, std::int64_t face) {
  for (const auto& layer : layers) {
    if (const auto person = layer->owner(face)) return person;
  }
  return std::nullopt;
}

bool has_faces(const Layers& layers, std::int64_t person) {
  std::vector<std::int64_t> faces;
  for (const auto& layer : layers) {
    layer->append_faces_of(person, 1, faces);
    if (!faces.empty()) return true;
  }
  return false;
}

/// One layer of the faces of some.
std::shared_ptr<const Layer> joined(std::span<const std::shared_ptr<const Layer>> layers,
                                    std::unique_ptr<SearchIndex> index, const Progress& progress) {
  std::vector<FaceOwner> owners;
  for (const auto& layer : layers) {
    const std::size_t first = owners.size();
    const auto own = layer->owners();
    owners.insert(owners.end(), own.begin(), own.end());
    for (std::size_t i = first; i < owners.size(); ++i) {
      index->add(owners[i].face, layer->index().vector(owners[i].face));
      if ((i + 1) % kReadAtOnce == 0)
        report_progress(progress, i + 1, count_faces({layers.begin(), layers.end()}));
    }
  }
  return std::make_shared<const Layer>(std::move(index), std::move(owners));
}

/// New faces, rising, as a layer; faces that are gone already are left out.
std::shared_ptr<const Layer> read_layer(const GalleryView::Parts& parts, std::span<const FaceOwner> faces,
                                        std::unique_ptr<SearchIndex> index, const Progress& progress) {
  std::vector<FaceOwner> owners;
  owners.reserve(faces.size());
  parts.store->read_pieces(faces, [&](FaceEmbeddings read) {
    const Embeddings compared = parts.comparison.comparable(std::move(read.embeddings));
    for (std::size_t i = 0; i < read.faces.size(); ++i) index->add(read.faces[i].face, compared[i]);
    owners.insert(owners.end(), read.faces.begin(), read.faces.end());
    report_progress(progress, owners.size(), faces.size());
  });
  return std::make_shared<const Layer>(std::move(index), std::move(owners));
}

/// Sorted by face, each once: its last change.
std::vector<FaceChange> last_changes(std::vector<FaceChange> changes) {
  std::ranges::stable_sort(changes, {}, &FaceChange::face);
  std::vector<FaceChange> last;
  for (const FaceChange& change : changes) {
    if (last.empty() || last.back().face != change.face) {
      last.push_back(change);
    } else {
      last.back() = change;
    }
  }
  return last;
}

/// Layers of about one size become one; few stay, each more than twice the next.
void settle(Layers& layers, const IndexMaker& indexes, const Progress& progress) {
  std::erase_if(layers, [](const auto& layer) { return layer->size() == 0; });
  for (auto& layer : layers) {
    if (layer->removed().size() * 4 > layer->index().size())
      layer = joined(std::span(&layer, 1), indexes.make(count_faces(layers)), progress);
  }
  while (layers.size() > 1) {
    const auto last_two = std::span(layers).last(2);
    const std::size_t older = last_two[0]->size();
    const std::size_t younger = last_two[1]->size();
    if (older > 2 * younger && older + younger > kSmallLayer) break;
    auto both = joined(last_two, indexes.make(count_faces(layers)), progress);
    layers.pop_back();
    layers.back() = std::move(both);
  }
}

}  // namespace

IndexMaker::IndexMaker(std::optional<IndexKind> kind, std::size_t dimension, int threads,
                       std::shared_ptr<const SearchIndex> given, std::size_t parts)
    : kind_(kind), dimension_(dimension), threads_(threads), given_(std::move(given)), parts_(parts) {}

IndexOptions IndexMaker::options(std::size_t own_faces) const {
  const std::size_t faces = own_faces * parts_;  // about as many have a number of each kind
  const IndexKind fitting = faces <= kMostForFloats ? IndexKind::kExactF32
                            : faces <= kMostForInt8 ? IndexKind::kExactInt8
                                                    : IndexKind::kSketch;
  IndexOptions options{.kind = kind_.value_or(fitting), .dimension = dimension_, .threads = threads_};
  if (options.kind == IndexKind::kSketch) {
    const int all = sketch_candidates(faces, dimension_);
    // A part's share of the candidates of the whole, and three deviations more.
    const double share = static_cast<double>(all) / static_cast<double>(parts_);
    options.search_candidates = parts_ == 1 ? all : static_cast<int>(std::ceil(share + 3 * std::sqrt(share)));
  }
  return options;
}

std::unique_ptr<SearchIndex> IndexMaker::make(std::size_t faces) const {
  return given_ ? given_->make_empty() : make_index(options(faces));
}

void change_layers(GalleryView::Parts& parts, std::vector<FaceChange> changes, const IndexMaker& indexes,
                   const Progress& progress) {
  const std::vector<FaceChange> last = last_changes(std::move(changes));
  Layers layers = parts.layers;
  std::set<std::int64_t> people;  // who may have come or gone
  std::vector<FaceOwner> added;
  auto change = last.begin();
  // Layers' ids rise: each takes its share of the changes.
  for (auto& layer : layers) {
    std::vector<FaceChange> own;
    for (; change != last.end() && change->face <= layer->last(); ++change) {
      const auto owner = layer->owner(change->face);
      if (!owner || owner == change->person) continue;
      own.push_back(*change);
      people.insert(*owner);
      if (change->person) people.insert(*change->person);
    }
    if (!own.empty()) layer = std::make_shared<const Layer>(layer->with(own));
  }
  for (; change != last.end(); ++change) {
    if (change->person) added.push_back({change->face, *change->person});
  }
  if (!added.empty()) {
    layers.push_back(read_layer(parts, added, indexes.make(count_faces(layers) + added.size()), progress));
    for (const FaceOwner& owner : layers.back()->owners()) people.insert(owner.person);
  }
  settle(layers, indexes, progress);
  for (const std::int64_t person : people) {
    const bool before = has_faces(parts.layers, person);
    const bool after = has_faces(layers, person);
    if (before != after) parts.people += after ? 1 : -1;
  }
  parts.layers = std::move(layers);
}

std::optional<std::vector<FaceChange>> difference(const GalleryView::Parts& parts,
                                                  std::span<const FaceOwner> owners) {
  const std::int64_t last = parts.layers.empty() ? -1 : parts.layers.back()->last();
  std::vector<FaceChange> changes;
  for (const FaceOwner& owner : owners) {
    const auto known = owner.face <= last ? owner_in(parts.layers, owner.face) : std::nullopt;
    if (known == owner.person) continue;
    if (!known && owner.face <= last) return std::nullopt;
    changes.push_back({owner.face, owner.person});
  }
  for (const auto& layer : parts.layers) {
    for (const FaceOwner& known : layer->owners()) {
      if (!std::ranges::binary_search(owners, known.face, {}, &FaceOwner::face))
        changes.push_back({known.face, std::nullopt});
    }
  }
  return changes;
}

void merge_layers(GalleryView::Parts& parts, const IndexMaker& indexes, const Progress& progress) {
  if (parts.layers.empty() || (parts.layers.size() == 1 && parts.layers[0]->removed().empty())) return;
  parts.layers = {joined(parts.layers, indexes.make(count_faces(parts.layers)), progress)};
}

}  // namespace likeness
