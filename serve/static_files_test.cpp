#include "serve/static_files.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace likeness::serve {
namespace {

RequestHead asking(const std::string& path, const std::string& method = "GET", Fields headers = {}) {
  return {.method = method, .path = parse_target(path).value().path, .headers = std::move(headers)};
}

class StaticFilesTest : public testing::Test {
 protected:
  StaticFiles files_{{{"/", "<!doctype html>"}, {"/web/app.js", "export {};"}, {"/web/app.css", "a {}"}}};
};

TEST_F(StaticFilesTest, EachFileHasItsTypeAndAPolicyThatLetsNothingElseIn) {
  EXPECT_EQ(files_.answer(asking("/")).type, "text/html; charset=utf-8");
  EXPECT_EQ(files_.answer(asking("/web/app.css")).type, "text/css; charset=utf-8");
  const Response script = files_.answer(asking("/web/app.js?v=1"));
  EXPECT_EQ(script.type, "text/javascript; charset=utf-8");
  EXPECT_EQ(script.body, "export {};");
  const std::string policy(find_field(script.headers, "Content-Security-Policy").value());
  EXPECT_EQ(policy.rfind("default-src 'none'; script-src 'self'; ", 0), 0U);
  EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
}

TEST_F(StaticFilesTest, WhatABrowserHasAlreadyIsNotSentAgain) {
  const std::string etag(find_field(files_.answer(asking("/web/app.js")).headers, "ETag").value());
  const Response same =
      files_.answer(asking("/web/app.js", "GET", {{"if-none-match", "\"old\", W/" + etag}}));
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(find_field(same.headers, "ETag"), etag);
  EXPECT_EQ(files_.answer(asking("/web/app.css", "GET", {{"if-none-match", etag}})).status, 200);
}

TEST_F(StaticFilesTest, NoOtherPathIsAFileHoweverItIsWritten) {
  for (const char* path :
       {"/web", "/web/", "/web/app", "/web/../web/app.js", "/web//app.js", "//web/app.js", "/index.html"})
    EXPECT_FALSE(files_.has(asking(path))) << path;
  EXPECT_THROW((void)files_.answer(asking("/web")), std::invalid_argument);
  EXPECT_THROW(StaticFiles(std::vector<StaticFile>{{"/web/a.exe", ""}}), std::invalid_argument);
}

TEST_F(StaticFilesTest, OtherMethodsAreRefusedByName) {
  EXPECT_EQ(files_.answer(asking("/", "HEAD")).status, 200);
  const Response refused = files_.answer(asking("/", "POST"));
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(find_field(refused.headers, "Allow"), "GET, HEAD");
}

}  // namespace
}  // namespace likeness::serve
