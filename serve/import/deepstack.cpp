// DeepStack and CodeProject.AI as a client of them. They tell whom they know and no more: photos are not
// kept, and what /v1/backup gives are vectors of their own model.
#include <set>

#include "likeness/core/error.h"
#include "serve/import/ask.h"

namespace likeness::serve {
namespace {

constexpr std::size_t kMostPeople = 1'000'000;
constexpr std::size_t kMostName = 1000;

class DeepStackServer : public OldServer {
 public:
  explicit DeepStackServer(OldServerOptions options) : options_(std::move(options)) {
    options_.url = checked_address(std::move(options_.url));
  }

  OldPeople list(const Progress&) override {
    // The key is a field of the form there.
    const std::string boundary = "likeness-" + new_request_id();
    Outgoing request{.method = "POST",
                     .url = options_.url + "/v1/vision/face/list",
                     .headers = {{"Content-Type", "multipart/form-data; boundary=" + boundary}},
                     .body = "--" + boundary +
                             "\r\nContent-Disposition: form-data; name=\"api_key\"\r\n\r\n" + options_.key +
                             "\r\n--" + boundary + "--\r\n",
                     .patience = options_.patience};
    const nlohmann::json answer = ask_json(options_.send, request);
    if (!answer.contains("faces") || !answer.at("faces").is_array() ||
        answer.at("faces").size() > kMostPeople)
      throw Error(ErrorCode::kDataInvalid, request.url + ": the answer has no usable list of faces");
    std::set<std::string> names;
    for (const nlohmann::json& name : answer.at("faces"))
      names.insert(text_in({{"faces", name}}, "faces", kMostName, request.url));
    OldPeople all;
    all.people.assign(names.begin(), names.end());
    return all;
  }

  bool gives_photos() const override { return false; }
  std::vector<std::byte> photo(const OldPhoto&) override { return {}; }
  std::string origin(const OldPhoto& photo) const override { return options_.url + "/" + photo.id; }

 private:
  OldServerOptions options_;
};

}  // namespace

std::unique_ptr<OldServer> old_deepstack(OldServerOptions options) {
  return std::make_unique<DeepStackServer>(std::move(options));
}

}  // namespace likeness::serve
