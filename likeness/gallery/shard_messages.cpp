#include "likeness/gallery/shard_messages.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <stdexcept>
#include <type_traits>

#include "likeness/gallery/layered_faces.h"
#include "likeness/gallery/person_faces.h"

namespace likeness {
namespace {

constexpr char kRequestMagic[9] = "LKNSASK1";
constexpr char kAnswerMagic[9] = "LKNSANS1";
constexpr std::size_t kIdentityDigits = 32;
/// Of a unit vector, with room for rounding.
constexpr float kMostValue = 1.01F;
constexpr std::size_t kMostFacesOfPerson = PersonFaces::kMost + 1;
constexpr std::size_t kCandidateBytes = 2 * sizeof(std::int64_t) + sizeof(float) + sizeof(std::uint32_t);
/// Rows of an index are counted with 32 bits.
constexpr std::uint64_t kMostFaces = std::numeric_limits<std::uint32_t>::max();
/// How a vector comes: floats, or a scale and bytes.
constexpr std::uint8_t kInFloats = 0;
constexpr std::uint8_t kInBytes = 1;
/// Sketches have at most 512 bits.
constexpr std::size_t kMostDistances = 513;
constexpr std::size_t kAnswerHeadBytes =
    8 + 2 * sizeof(std::uint32_t) + kIdentityDigits + 2 * sizeof(std::uint64_t);

class Writer {
 public:
  template <typename T>
  void number(T value) {
    static_assert(std::is_arithmetic_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  template <typename T>
  void numbers(std::span<const T> values) {
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  }
  void text(std::string_view text, std::size_t length) {
    bytes_.append(text.substr(0, length));
    bytes_.append(length - std::min(length, text.size()), '\0');
  }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  template <typename T>
  T number() {
    T value{};
    std::memcpy(&value, piece(sizeof value).data(), sizeof value);
    return value;
  }
  template <typename T>
  std::vector<T> numbers(std::size_t count) {
    if (count > rest_.size() / sizeof(T)) throw std::invalid_argument("cut short");
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), piece(count * sizeof(T)).data(), count * sizeof(T));
    return values;
  }
  std::string_view piece(std::size_t bytes) {
    if (bytes > rest_.size()) throw std::invalid_argument("cut short");
    const std::string_view first = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return first;
  }
  void finish() const {
    if (!rest_.empty()) throw std::invalid_argument("more bytes than belong to it");
  }

 private:
  std::string_view rest_;
};

/// Faces of one query: of each layer the nearest, and of those with distances some for each of these.
std::size_t most_candidates(const ShardRequest& request) {
  constexpr std::size_t kMostLayers = 64;
  return std::size_t{request.count} * kMostLayers;
}

void require(bool right, const char* what) {
  if (!right) throw std::invalid_argument(what);
}

void require_values(std::span<const float> values) {
  const auto usable = [](float value) { return std::abs(value) <= kMostValue; };  // no NaN is
  require(std::ranges::all_of(values, usable), "a number out of range");
}

NearShare near_from(Reader& in, const ShardRequest& request, Shard shard) {
  NearShare near;
  near.rows = in.number<std::uint64_t>();
  require(near.rows <= kMostFaces, "more faces than a process can hold");
  const auto distances = in.number<std::uint32_t>();
  require(distances <= kMostDistances && (distances > 0) == (near.rows > 0), "distances that cannot be");
  near.counts = in.numbers<std::uint32_t>(distances);
  const auto count = in.number<std::uint32_t>();
  require(count <= most_candidates(request), "more faces than were asked for");
  for (std::uint32_t i = 0; i < count; ++i) {
    NearShare::Candidate one;
    one.face = in.number<std::int64_t>();
    one.person = in.number<std::int64_t>();
    one.cosine = in.number<float>();
    one.distance = in.number<std::uint32_t>();
    require(std::abs(one.cosine) <= kMostValue, "a cosine out of range");
    require(one.face >= 0 && shard.holds(one.face), "a face of another shard");
    require(near.nearest.empty() || nearer(near.nearest.back(), one), "faces out of order");
    require(one.distance == NearShare::kCompared || one.distance < distances, "a distance out of range");
    near.nearest.push_back(one);
  }
  return near;
}

void write_near(Writer& out, const NearShare& near) {
  out.number(near.rows);
  out.number(static_cast<std::uint32_t>(near.counts.size()));
  out.numbers(std::span<const std::uint32_t>(near.counts));
  out.number(static_cast<std::uint32_t>(near.nearest.size()));
  for (const NearShare::Candidate& one : near.nearest) {
    out.number(one.face);
    out.number(one.person);
    out.number(one.cosine);
    out.number(one.distance);
  }
}

/// A vector as the index of its shard keeps it.
void append_vector(Reader& in, std::size_t dimension, std::vector<float>& values) {
  const auto kept = in.number<std::uint8_t>();
  require(kept <= kInBytes, "a vector of no known kind");
  const std::size_t first = values.size();
  if (kept == kInBytes) {
    const auto scale = in.number<float>();
    require(std::abs(scale) * 127 <= kMostValue, "a number out of range");
    const std::string_view bytes = in.piece(dimension);
    values.resize(first + dimension);
    const auto* from = reinterpret_cast<const std::int8_t*>(bytes.data());
    float* to = &values[first];
    for (std::size_t j = 0; j < dimension; ++j) to[j] = scale * static_cast<float>(from[j]);
  } else {
    const std::string_view bytes = in.piece(dimension * sizeof(float));
    values.resize(first + dimension);
    std::memcpy(&values[first], bytes.data(), bytes.size());
    require_values(std::span(values).subspan(first));
  }
}

FaceVectors faces_from(Reader& in, Shard shard, std::size_t dimension) {
  const auto count = in.number<std::uint32_t>();
  require(count <= kMostFacesOfPerson, "too many faces of a person");
  FaceVectors faces{in.numbers<std::int64_t>(count), {dimension, {}}};
  for (std::size_t i = 0; i < count; ++i) {
    require(faces.ids[i] >= 0 && shard.holds(faces.ids[i]), "a face of another shard");
    require(i == 0 || faces.ids[i] > faces.ids[i - 1], "faces out of order");
  }
  faces.vectors.values.reserve(count * dimension);
  for (std::size_t i = 0; i < count; ++i) append_vector(in, dimension, faces.vectors.values);
  return faces;
}

void write_faces(Writer& out, const LayeredFaces& faces, std::span<const std::int64_t> ids) {
  out.number(static_cast<std::uint32_t>(ids.size()));
  out.numbers(ids);
  for (const std::int64_t face : ids) {
    const SearchIndex* index = faces.index_of(face);
    if (const auto bytes = index->byte_vector(face)) {
      out.number(kInBytes);
      out.number(bytes->scale);
      out.numbers(bytes->values);
    } else {
      out.number(kInFloats);
      out.numbers(std::span<const float>(index->vector(face)));
    }
  }
}

}  // namespace

std::string to_bytes(const ShardRequest& request) {
  Writer out;
  out.text(kRequestMagic, 8);
  out.text(request.identity, kIdentityDigits);
  out.number(request.version);
  out.number(static_cast<std::uint32_t>(request.ask));
  out.number(request.count);
  out.number(request.candidates);
  out.number(static_cast<std::uint32_t>(request.queries.size()));
  out.number(static_cast<std::uint32_t>(request.people.size()));
  out.numbers(std::span<const float>(request.queries.values));
  for (const AskedPerson& one : request.people) {
    out.number(one.person);
    out.number(one.face);
  }
  return out.take();
}

ShardRequest shard_request_from(std::string_view bytes, std::size_t dimension) {
  Reader in(bytes);
  require(in.piece(8) == kRequestMagic, "not a request of this version");
  ShardRequest request;
  request.identity = in.piece(kIdentityDigits);
  request.version = in.number<std::uint64_t>();
  const auto ask = in.number<std::uint32_t>();
  require(ask <= static_cast<std::uint32_t>(ShardAsk::kPerson), "no request of a known kind");
  request.ask = static_cast<ShardAsk>(ask);
  request.count = in.number<std::uint32_t>();
  request.candidates = in.number<std::uint32_t>();
  const auto queries = in.number<std::uint32_t>();
  const auto people = in.number<std::uint32_t>();
  require(queries <= ShardRequest::kMostQueries && people <= ShardRequest::kMostPeople, "too much at once");
  require(request.ask != ShardAsk::kPerson || (queries == 1 && people == 1),
          "one query and one person are needed");
  request.queries = {dimension, in.numbers<float>(queries * dimension)};
  require_values(request.queries.values);
  for (std::uint32_t i = 0; i < people; ++i) {
    const auto person = in.number<std::int64_t>();
    request.people.push_back({person, in.number<std::int64_t>()});
  }
  in.finish();
  return request;
}

std::string answer_bytes(const ShardRequest& request, const GalleryView& view, Shard shard,
                         const std::string& identity) {
  Writer out;
  out.text(kAnswerMagic, 8);
  out.number(shard.number);
  out.number(shard.of);
  out.text(identity, kIdentityDigits);
  out.number(view.version());
  out.number(std::uint64_t{view.faces()});
  const LayeredFaces faces(view.parts().layers);
  if (request.ask == ShardAsk::kNear) {
    for (const NearShare& near : faces.near_share(request.queries, request.count, request.candidates))
      write_near(out, near);
  } else if (request.ask == ShardAsk::kPeople) {
    for (const AskedPerson& one : request.people) write_faces(out, faces, faces.faces_asked(one));
  } else if (request.ask == ShardAsk::kPerson) {
    write_faces(out, faces, faces.faces_asked(request.people.at(0).person, request.queries[0]));
  }
  return out.take();
}

std::size_t most_answer_bytes(const ShardRequest& request, std::size_t dimension) {
  std::size_t bytes = kAnswerHeadBytes;
  if (request.ask == ShardAsk::kNear)
    bytes += request.queries.size() * (sizeof(std::uint64_t) + (2 + kMostDistances) * sizeof(std::uint32_t) +
                                       most_candidates(request) * kCandidateBytes);
  bytes +=
      request.people.size() *
      (sizeof(std::uint32_t) + kMostFacesOfPerson * (sizeof(std::int64_t) + 1 + dimension * sizeof(float)));
  return bytes;
}

ShardAnswer shard_answer_from(std::string_view bytes, const ShardRequest& request, Shard shard,
                              std::size_t dimension) {
  Reader in(bytes);
  require(in.piece(8) == kAnswerMagic, "not an answer of this version");
  ShardAnswer answer;
  answer.shard.number = in.number<std::uint32_t>();
  answer.shard.of = in.number<std::uint32_t>();
  if (answer.shard.number != shard.number || answer.shard.of != shard.of) {
    throw std::invalid_argument("it holds shard " + std::to_string(answer.shard.number) + "/" +
                                std::to_string(answer.shard.of));
  }
  answer.identity = in.piece(kIdentityDigits);
  require(answer.identity == request.identity, "it holds faces of another gallery");
  answer.version = in.number<std::uint64_t>();
  require(answer.version >= request.version, "an answer of an older version");
  answer.faces = in.number<std::uint64_t>();
  require(answer.faces <= kMostFaces, "more faces than a process can hold");
  if (request.ask == ShardAsk::kNear) {
    for (std::size_t q = 0; q < request.queries.size(); ++q)
      answer.near.push_back(near_from(in, request, shard));
  } else {
    for (std::size_t i = 0; i < request.people.size(); ++i)
      answer.people.push_back(faces_from(in, shard, dimension));
  }
  in.finish();
  return answer;
}

}  // namespace likeness
