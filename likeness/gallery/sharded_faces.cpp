#include "likeness/gallery/sharded_faces.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <stdexcept>

#include "likeness/core/error.h"
#include "likeness/gallery/person_faces.h"
#include "likeness/gallery/sketch_index.h"

namespace likeness {
namespace {

/// Bytes of an answer about neighbours: of more queries some are asked first.
constexpr std::size_t kMostNearBytes = std::size_t{16} << 20;

/// What a person has in all shards: the first faces, and of the others those that `rest` wants.
template <typename Wanted>
FaceVectors joined(std::span<const ShardAnswer> answers, std::size_t place, std::size_t dimension,
                   const Wanted& rest) {
  struct Row {
    std::int64_t face;
    std::span<const float> values;
  };
  std::vector<Row> rows;
  for (const ShardAnswer& answer : answers) {
    const FaceVectors& own = answer.people[place];
    for (std::size_t i = 0; i < own.ids.size(); ++i) rows.push_back({own.ids[i], own.vectors[i]});
  }
  std::ranges::sort(rows, {}, &Row::face);
  FaceVectors all{{}, {dimension, {}}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i >= PersonFaces::kMost && !rest(rows[i].face)) continue;
    all.ids.push_back(rows[i].face);
    all.vectors.values.insert(all.vectors.values.end(), rows[i].values.begin(), rows[i].values.end());
  }
  return all;
}

}  // namespace

std::vector<ShardAnswer> ShardCaller::ask(ShardRequest request) const {
  if (request.queries.size() > 0 && request.queries.dimension != dimension_)
    throw std::invalid_argument("a query of another dimension");
  request.identity = identity_;
  const std::vector<std::string> told = ask_(to_bytes(request), most_answer_bytes(request, dimension_));
  std::vector<ShardAnswer> answers;
  std::size_t faces = 0;
  for (std::size_t i = 0; i < told.size(); ++i) {
    const Shard shard{static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(told.size())};
    try {
      answers.push_back(shard_answer_from(told[i], request, shard, dimension_));
    } catch (const std::invalid_argument& error) {
      throw Error(ErrorCode::kDataInvalid, "shard " + std::to_string(shard.number) + "/" +
                                               std::to_string(shard.of) + ": wrong answer: " + error.what());
    }
    faces += answers.back().faces;
  }
  faces_ = faces;
  return answers;
}

namespace {

/// The distance within which one process would have looked at candidates, and whether these shares reach so
/// far.
struct Within {
  std::uint32_t distance = NearShare::kCompared;
  std::size_t candidates = 0;
  bool known = true;
};

Within within(std::span<const ShardAnswer> answers, std::size_t query, std::size_t count,
              std::size_t dimension) {
  std::uint64_t rows = 0;
  std::size_t distances = std::numeric_limits<std::size_t>::max();  // that all shares know
  for (const ShardAnswer& answer : answers) {
    const NearShare& share = answer.near[query];
    if (share.counts.empty()) continue;
    rows += share.rows;
    distances = std::min(distances, share.counts.size());
  }
  if (rows == 0) return {};  // everything was compared
  const auto usual = static_cast<std::size_t>(sketch_candidates(rows, dimension));
  Within found{.candidates = std::max(count, usual)};
  std::size_t faces = 0;
  for (std::size_t d = 0; d < distances; ++d) {
    for (const ShardAnswer& answer : answers) {
      const auto& counts = answer.near[query].counts;
      if (!counts.empty()) faces += counts[d];
    }
    found.distance = static_cast<std::uint32_t>(d);
    if (faces >= found.candidates) return found;
  }
  found.known = false;
  return found;
}

/// The nearest of all shares.
std::vector<OwnedNeighbour> nearest_of(std::span<const ShardAnswer> answers, std::size_t query,
                                       std::size_t count, std::uint32_t distance) {
  std::vector<OwnedNeighbour> all;
  for (const ShardAnswer& answer : answers) {
    for (const NearShare::Candidate& one : answer.near[query].nearest) {
      if (one.distance == NearShare::kCompared || one.distance <= distance) all.push_back(one);
    }
  }
  std::ranges::sort(all, nearer);
  all.resize(std::min(all.size(), count));
  return all;
}

}  // namespace

NearFaces ShardedFaces::near(const Embeddings& queries, std::size_t count) const {
  NearFaces near;
  const std::size_t dimension = shards_->dimension();
  ShardRequest request{.ask = ShardAsk::kNear, .identity = {}, .version = version_};
  request.count =
      static_cast<std::uint32_t>(std::min<std::size_t>(count, std::numeric_limits<std::uint32_t>::max()));
  request.queries = {queries.dimension, std::vector<float>(queries.dimension)};
  const std::size_t at_once = std::clamp<std::size_t>(kMostNearBytes / most_answer_bytes(request, dimension),
                                                      1, ShardRequest::kMostQueries);
  for (std::size_t first = 0; first < queries.size(); first += at_once) {
    const std::size_t size = std::min(at_once, queries.size() - first);
    const auto values =
        std::span(queries.values).subspan(first * queries.dimension, size * queries.dimension);
    request.queries.values.assign(values.begin(), values.end());
    request.candidates = 0;
    const std::vector<ShardAnswer> answers = shards_->ask(request);
    near.faces = 0;
    for (const ShardAnswer& answer : answers) near.faces += answer.faces;
    for (std::size_t q = 0; q < size; ++q) {
      const Within enough = within(answers, q, count, dimension);
      if (enough.known) {
        near.queries.push_back(nearest_of(answers, q, count, enough.distance));
        continue;
      }
      // By chance one shard has more of them than its share: rare.
      ShardRequest again{request};
      again.candidates = static_cast<std::uint32_t>(enough.candidates);
      again.queries.values.assign(queries[first + q].begin(), queries[first + q].end());
      const std::vector<ShardAnswer> more = shards_->ask(again);
      near.queries.push_back(nearest_of(more, 0, count, within(more, 0, count, dimension).distance));
    }
  }
  return near;
}

void ShardedFaces::people(std::span<const AskedPerson> asked,
                          const std::function<void(std::size_t, const FaceVectors&)>& sink) const {
  for (std::size_t first = 0; first < asked.size(); first += ShardRequest::kMostPeople) {
    const auto some = asked.subspan(first, std::min(ShardRequest::kMostPeople, asked.size() - first));
    const std::vector<ShardAnswer> answers = shards_->ask({.ask = ShardAsk::kPeople,
                                                           .identity = {},
                                                           .version = version_,
                                                           .people = {some.begin(), some.end()}});
    for (std::size_t i = 0; i < some.size(); ++i) {
      sink(first + i,
           joined(answers, i, shards_->dimension(), [&](std::int64_t face) { return face == some[i].face; }));
    }
  }
}

FaceVectors ShardedFaces::person(std::int64_t person, std::span<const float> query) const {
  const std::vector<ShardAnswer> answers =
      shards_->ask({.ask = ShardAsk::kPerson,
                    .identity = {},
                    .version = version_,
                    .queries = {query.size(), {query.begin(), query.end()}},
                    .people = {{person, 0}}});
  return joined(answers, 0, shards_->dimension(), [](std::int64_t) { return true; });
}

}  // namespace likeness
