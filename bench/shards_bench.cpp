// A gallery in the memory of one process beside the same gallery split over several, in one run: answers are
// compared to the bit, and processor time is that of all parts and of putting their answers together.
// Requests and answers are the bytes that services send each other; the network between them is left out.
//   shards_bench [name=value ...]
//     people=200000    five faces each, in a file as bench/gallery_bench makes it
//     folder=.         for that file
//     dimension=512, cosine=0.6, effective=0   as bench/gallery_bench has them
//     shards=4
//     index=exact,int8,sketch   which, one after another
//     rounds=3         of all searches, the two in turns; times are the fastest round's
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>

#include "bench/synthetic_gallery.h"
#include "likeness/gallery/gallery.h"
#include "likeness/gallery/kernels.h"
#include "likeness/gallery/open.h"

namespace {

using namespace likeness;

struct Settings : FaceSettings {
  std::uint32_t shards = 4;
  std::string index = "exact,int8,sketch";

  bool take(const std::string& name, const std::string& value) {
    if (name == "shards") {
      shards = static_cast<std::uint32_t>(std::stoul(value));
    } else if (name == "index") {
      index = value;
    } else {
      return FaceSettings::take(name, value);
    }
    return true;
  }
};

/// Four processes' worth of galleries, and one that asks them.
struct Split {
  std::vector<std::unique_ptr<Gallery>> shards;
  std::unique_ptr<Gallery> front;
  std::size_t bytes = 0;     ///< Sent and received.
  double shard_seconds = 0;  ///< Of the shards alone.

  Split(const std::string& path, std::uint32_t parts, IndexKind kind) {
    for (std::uint32_t i = 0; i < parts; ++i) {
      shards.push_back(std::make_unique<Gallery>(open_gallery(
          path,
          {.read_only = true, .index = kind, .index_file = std::filesystem::path(), .shard = {i, parts}})));
      shards.back()->refresh();
    }
    front = std::make_unique<Gallery>(open_gallery(
        path, {.read_only = true, .shards = [this](const std::string& request, std::size_t) {
                 std::vector<std::string> answers;
                 const double start = processor_seconds();
                 for (const auto& shard : shards) {
                   answers.push_back(shard->answer_as_shard(request, std::chrono::milliseconds(0)));
                   bytes += request.size() + answers.back().size();
                 }
                 shard_seconds += processor_seconds() - start;
                 return answers;
               }}));
  }
};

bool same(const std::vector<PersonMatch>& one, const std::vector<PersonMatch>& other) {
  return std::ranges::equal(one, other, [](const PersonMatch& a, const PersonMatch& b) {
    return std::tie(a.face, a.person, a.name, a.photo, a.cosine, a.similarity) ==
           std::tie(b.face, b.person, b.name, b.photo, b.cosine, b.similarity);
  });
}

using Answers = std::vector<std::vector<PersonMatch>>;

/// Seconds a query.
double ask(const GalleryView& view, const Embeddings& queries, Answers& answers) {
  answers.clear();
  const double start = processor_seconds();
  for (std::size_t q = 0; q < queries.size(); ++q) answers.push_back(view.search(queries[q], 2));
  return (processor_seconds() - start) / static_cast<double>(queries.size());
}

/// Every fourth: comparing floats takes thirty times as long as sketches.
Embeddings some_of(const Embeddings& all) {
  Embeddings some{all.dimension, {}};
  for (std::size_t i = 0; i < all.size(); i += 4)
    some.values.insert(some.values.end(), all[i].begin(), all[i].end());
  return some;
}

void compare(const std::string& path, IndexKind kind, const Embeddings& all, const Settings& settings) {
  const Embeddings queries = kind == IndexKind::kExactF32 ? some_of(all) : all;
  const Gallery one =
      open_gallery(path, {.read_only = true, .index = kind, .index_file = std::filesystem::path()});
  const auto whole = one.view();
  Split split(path, settings.shards, kind);
  const auto parts = split.front->view();
  Answers mine;
  Answers theirs;
  double one_seconds = 1e9;
  double split_seconds = 1e9;
  double shard_seconds = 1e9;
  for (int round = 0; round < settings.rounds; ++round) {
    one_seconds = std::min(one_seconds, ask(*whole, queries, mine));
    split.bytes = 0;
    split.shard_seconds = 0;
    split_seconds = std::min(split_seconds, ask(*parts, queries, theirs));
    shard_seconds = std::min(shard_seconds, split.shard_seconds / static_cast<double>(queries.size()));
  }
  std::size_t equal = 0;
  std::size_t equal_first = 0;
  for (std::size_t q = 0; q < mine.size(); ++q) {
    equal += same(mine[q], theirs[q]) ? 1 : 0;
    equal_first +=
        same({mine[q].begin(), mine[q].begin() + 1}, {theirs[q].begin(), theirs[q].begin() + 1}) ? 1 : 0;
  }
  std::size_t largest = 0;
  for (const auto& shard : split.shards) largest = std::max(largest, shard->view()->index_bytes());
  std::printf(
      "%s: %zu faces; one process %.3f ms of processor time a query, %zu MiB; %u shards %.3f ms (%.3f the "
      "shards, %.3f putting together), the largest %zu MiB: %.3f times; %zu and %zu of %zu answers equal to "
      "the bit (both people; the first); %zu KiB a query between them\n",
      std::string(to_string(kind)).c_str(), whole->faces(), one_seconds * 1e3, whole->index_bytes() >> 20,
      settings.shards, split_seconds * 1e3, shard_seconds * 1e3, (split_seconds - shard_seconds) * 1e3,
      largest >> 20, split_seconds / one_seconds, equal, equal_first, mine.size(),
      split.bytes / mine.size() >> 10);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) try {
  const Settings settings = settings_from<Settings>(std::span(argv + 1, static_cast<std::size_t>(argc - 1)));
  std::printf("kernels %s\n", kernel_target().c_str());
  const std::filesystem::path path = settings.folder / "shards.gallery";
  Embeddings queries = make_gallery(path, settings);
  // As many strangers, whose nearest are nobody in particular.
  const Embeddings strangers = FaceMaker(settings).make(queries.size(), 1, 4711);
  queries.values.insert(queries.values.end(), strangers.values.begin(), strangers.values.end());
  for (const IndexKind kind : {IndexKind::kExactF32, IndexKind::kExactInt8, IndexKind::kSketch}) {
    if (settings.index.find(to_string(kind)) != std::string::npos)
      compare(path.string(), kind, queries, settings);
  }
  std::filesystem::remove(path);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "shards_bench: %s\n", error.what());
  return 1;
}
