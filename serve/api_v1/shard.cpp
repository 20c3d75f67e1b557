// A share of a gallery's faces, for the service that answers for all of them.
#include "serve/api_v1/json.h"

namespace likeness::serve {
namespace {

Done ask(Service& service, const Call& call) {
  Response response;
  response.type = "application/octet-stream";
  response.body = service.gallery_of(call).gallery->answer_as_shard(call.request().body, kMostWaitForVersion);
  return {std::move(response)};
}

}  // namespace

void add_shard_operations(Operations& table) { table["askShard"] = ask; }

}  // namespace likeness::serve
