// What has been found out about the functions of a library. A body asks about everything that it calls, however deep:
// without a memory, branches nested n deep would be read from each of their n levels.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/graph/graph.h"

namespace tw {

// Of one library, whose functions never change; what is not in it yet is asked for again. Thread-safe.
class FunctionFacts {
 public:
  // Shapes of a call's results; none when the body cannot take its arguments.
  using ResultShapes = std::optional<std::vector<Shape>>;

  // Whether the node, or a function that it calls, may wait for others.
  bool may_block(const FunctionLibrary& library, const Node& n);
  // Whether the node, or a function that it calls, may change the resource at input `slot`.
  bool writes(const FunctionLibrary& library, const Node& n, size_t slot);

  // What keep() was told of a call: the function with its attributes, and the shapes of the arguments.
  std::optional<ResultShapes> result_shapes(const std::string& call) const;
  void keep(const std::string& call, const ResultShapes& shapes);
  // How often a function was read because what was asked was not known.
  int64_t readings() const;
  void count_reading();

 private:
  // May the function change the resource that it gets as this argument, or wait for others (kBlocks)?
  static constexpr int64_t kBlocks = -1;
  using Question = std::pair<const Function*, int64_t>;
  // What one question leads to. A function is asked once: a second visit adds nothing.
  struct Search {
    std::set<Question> visited;
    bool complete = true;  // every function that is called was found
  };
  bool may_block(const FunctionLibrary& library, const Node& n, Search* search);
  bool writes(const FunctionLibrary& library, const Node& n, size_t slot, Search* search);
  bool function_blocks(const Function& f, const FunctionLibrary& library, Search* search);
  bool function_writes(const Function& f, int64_t arg, const FunctionLibrary& library, Search* search);
  // What is known of the function that is called, or what its body says.
  bool ask(const FunctionLibrary& library, const FuncRef& ref, int64_t arg, Search* search);
  bool conclude(const Search& search, bool answer);

  mutable std::mutex mutex_;
  std::map<Question, bool> answers_;
  std::map<std::string, ResultShapes, std::less<>> shapes_;
  int64_t readings_ = 0;
};

}  // namespace tw
