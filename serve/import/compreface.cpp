// CompreFace as a client of it: subjects, examples page by page, and their photos
// (docs/Rest-API-description.md there).
#include <algorithm>
#include <set>
#include <thread>

#include "likeness/core/error.h"
#include "serve/import/ask.h"

namespace likeness::serve {
namespace {

constexpr std::size_t kPage = 500;
constexpr std::size_t kMostPhotos = 1'000'000;
constexpr std::size_t kMostPeople = 1'000'000;
constexpr std::size_t kMostName = 1000;  ///< Bytes; so many has a gallery's name at most.
constexpr std::size_t kMostId = 100;
constexpr std::size_t kMostPhotoBytes = 20U << 20;
constexpr int kTries = 3;

class CompreFaceServer : public OldServer {
 public:
  explicit CompreFaceServer(OldServerOptions options) : options_(std::move(options)) {
    options_.url = checked_address(std::move(options_.url));
  }

  OldPeople list(const Progress& progress) override {
    std::set<std::string> names;
    read_subjects(names);
    OldPeople all;
    std::set<std::string> ids;
    for (std::size_t page = 0;; ++page) {
      const nlohmann::json answer =
          ask("/faces?page=" + std::to_string(page) + "&size=" + std::to_string(kPage));
      const std::size_t before = ids.size();
      if (!answer.contains("faces") || !answer.at("faces").is_array()) throw odd("has no list of faces");
      for (const nlohmann::json& face : answer.at("faces")) {
        OldPhoto photo{checked_id(face), text_in(face, "subject", kMostName, options_.url)};
        names.insert(photo.person);
        if (ids.insert(photo.id).second) all.photos.push_back(std::move(photo));
      }
      if (ids.size() > kMostPhotos) throw odd("names more than 1,000,000 faces");
      const std::size_t total = number_in(answer, "total_elements");
      report_progress(progress, ids.size(), total);
      if (page + 1 >= number_in(answer, "total_pages")) break;
      if (ids.size() == before)
        throw odd("has pages without an end: page " + std::to_string(page) + " brings nothing new");
    }
    all.people.assign(names.begin(), names.end());
    return all;
  }

  bool gives_photos() const override { return true; }

  std::vector<std::byte> photo(const OldPhoto& photo) override {
    // Not /static/KEY/images/ID, which has the key in the address.
    const Outgoing request = outgoing("/faces/" + photo.id + "/img");
    for (int attempt = 1;; ++attempt) {
      try {
        const Response response = options_.send(request);
        if (response.status >= 500 && attempt < kTries) {
          std::this_thread::sleep_for(options_.pause * attempt);
          continue;
        }
        if (response.status != 200) throw Error(ErrorCode::kInputUnreadable, words_of(response));
        const auto* bytes = reinterpret_cast<const std::byte*>(response.body.data());
        return {bytes, bytes + response.body.size()};
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kUnavailable || attempt == kTries) throw;
        std::this_thread::sleep_for(options_.pause * attempt);
      }
    }
  }

  std::string origin(const OldPhoto& photo) const override {
    return options_.url + "/api/v1/recognition/faces/" + photo.id + "/img";
  }

 private:
  [[nodiscard]] Outgoing outgoing(const std::string& path) const {
    Outgoing request{.url = options_.url + "/api/v1/recognition" + path,
                     .patience = options_.patience,
                     .most_bytes = kMostPhotoBytes};
    if (!options_.key.empty()) request.headers.emplace_back("x-api-key", options_.key);
    return request;
  }
  /// CompreFace refuses a key with 404, or 400 where it is no UUID.
  [[nodiscard]] nlohmann::json ask(const std::string& path) const {
    return ask_json(options_.send, outgoing(path));
  }
  [[nodiscard]] Error odd(const std::string& why) const {
    return {ErrorCode::kDataInvalid, options_.url + ": the answer " + why};
  }

  void read_subjects(std::set<std::string>& names) const {
    const nlohmann::json answer = ask("/subjects");
    if (!answer.contains("subjects") || !answer.at("subjects").is_array())
      throw odd("has no list of subjects");
    if (answer.at("subjects").size() > kMostPeople) throw odd("names more than 1,000,000 subjects");
    for (const nlohmann::json& name : answer.at("subjects"))
      names.insert(text_in({{"subject", name}}, "subject", kMostName, options_.url));
  }

  /// It becomes a part of an address.
  [[nodiscard]] std::string checked_id(const nlohmann::json& face) const {
    std::string id = text_in(face, "image_id", kMostId, options_.url);
    const bool plain = std::ranges::all_of(id, [](unsigned char c) { return std::isalnum(c) || c == '-'; });
    if (!plain) throw odd("has an image_id that is no UUID");
    return id;
  }

  [[nodiscard]] std::size_t number_in(const nlohmann::json& answer, const char* name) const {
    if (!answer.contains(name) || !answer.at(name).is_number_unsigned())
      throw odd(std::string("has no ") + name);
    return answer.at(name).get<std::size_t>();
  }

  OldServerOptions options_;
};

}  // namespace

std::unique_ptr<OldServer> old_compreface(OldServerOptions options) {
  return std::make_unique<CompreFaceServer>(std::move(options));
}

}  // namespace likeness::serve
