#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "likeness/image/write_image.h"
#include "serve/service.h"
#include "tests/tiny/tiny_world.h"

namespace likeness::serve {

/// A service that speaks other servers' protocols, on drawn people, without sockets.
class CompatTest : public testing::Test {
 protected:
  struct Answered {
    int status = 0;
    std::string type;
    Fields headers;
    std::string text;
    nlohmann::json body;  ///< Null where the text is no JSON.
  };
  struct Field {
    std::string name;
    std::string content;
    std::string file_name{};
  };

  explicit CompatTest(std::string protocol) { options_.compat.protocols = {std::move(protocol)}; }

  /// Made with `options_` when first asked for.
  Service& service() {
    if (service_) return *service_;
    options_.models.models = {packs_};
    options_.models.model = model_;
    options_.models.threads = 2;
    if (options_.galleries.empty()) options_.galleries = {{"people", folder_ / "people.gallery"}};
    service_ = std::make_unique<Service>(options_);
    return *service_;
  }
  /// From now on a server with keys, asked with a key of this right. @returns its text.
  std::string with_key(Right right, std::vector<std::string> galleries = {}) {
    const NewKey made = add_key(folder_ / "keys.json", "test", right, std::move(galleries));
    options_.keys = folder_ / "keys.json";
    key_ = made.text;
    return made.text;
  }

  Answered send(const std::string& method, const std::string& target, const std::string& body = "",
                Fields headers = {}) {
    Request request{
        {.method = method, .target = target, .headers = std::move(headers), .id = "0123456789abcdef"}, body};
    request.headers.emplace_back("host", "localhost");
    if (!key_.empty()) request.headers.emplace_back("x-api-key", key_);
    const auto parsed = parse_target(target);
    EXPECT_TRUE(parsed) << target;
    request.path = parsed->path;
    request.query = parsed->query;
    request.length = body.size();
    const Admission admission = service().admit(request);
    if (admission.refusal) return answered(*admission.refusal);
    EXPECT_LE(body.size(), admission.body_limit);
    const auto promise = std::make_shared<std::promise<Response>>();
    service().handle(std::move(request), [promise](Response made) { promise->set_value(std::move(made)); });
    return answered(promise->get_future().get());
  }
  Answered json_to(const std::string& method, const std::string& target, const nlohmann::json& body) {
    return send(method, target, body.dump(), {{"content-type", "application/json"}});
  }
  Answered form(const std::string& target, const std::vector<Field>& fields) {
    std::string body;
    for (const Field& field : fields) {
      const std::string file = field.file_name.empty() ? "" : "; filename=\"" + field.file_name + "\"";
      body += "--b\r\nContent-Disposition: form-data; name=\"" + field.name + "\"" + file + "\r\n\r\n" +
              field.content + "\r\n";
    }
    return send("POST", target, body + "--b--\r\n", {{"content-type", "multipart/form-data; boundary=b"}});
  }

  static std::string bytes_of(ImageView image) {
    const std::vector<std::byte> png = encode_png(image);
    return {reinterpret_cast<const char*>(png.data()), png.size()};
  }
  /// A photo of this person; each number is another one.
  static std::string photo(int person, std::uint32_t number = 0) {
    return bytes_of(tiny::portrait(person, 100 + number).view());
  }
  static std::string two_people() {
    const std::array<tiny::DrawnFace, 2> faces{tiny::DrawnFace{0, 80, 90, 70},
                                               tiny::DrawnFace{1, 240, 90, 64}};
    return bytes_of(tiny::draw(faces, 320, 180, 3).view());
  }
  static std::string nobody() { return bytes_of(Image(160, 120, 90).view()); }

  tiny::Folder folder_;
  ServiceOptions options_;
  std::string key_;
  std::filesystem::path packs_ = tiny::packs();
  std::string model_ = tiny::kEmbedder;
  std::unique_ptr<Service> service_;

 private:
  static Answered answered(const Response& response) {
    return {response.status, response.type, response.headers, response.body,
            nlohmann::json::accept(response.body) ? nlohmann::json::parse(response.body) : nlohmann::json()};
  }
};

}  // namespace likeness::serve
