#include "tests/central/seed.hpp"

#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

namespace tapd::central {
namespace {

using nlohmann::json;

struct BadSeed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A column's value as text; numbers are written in the file as text where they have decimals.
Parameter value_of(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::nullopt;
  if (found->is_string()) return found->get<std::string>();
  if (found->is_boolean()) return found->get<bool>();
  if (found->is_number_integer()) return found->get<std::int64_t>();
  throw BadSeed(std::string{name} + " must be a text, an integer, true or false");
}

/// Runs `sql` for each object of the list, with the named fields as $1, $2, ...
void load_list(Connection& connection, const json& bar, const char* list, const char* sql,
               std::initializer_list<const char*> fields) {
  const auto found = bar.find(list);
  if (found == bar.end()) return;
  for (const auto& object : *found) {
    std::vector<Parameter> values;
    for (const char* field : fields) values.push_back(value_of(object, field));
    connection.run(sql, values);
  }
}

void load_bar(Connection& connection, const json& bar) {
  load_list(connection, bar, "beverages",
            "INSERT INTO beverages (beverage_id, name, brewery, style, abv, sell_price_per_liter)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            {"beverage_id", "name", "brewery", "style", "abv", "sell_price_per_liter"});
  load_list(connection, bar, "kegs",
            "INSERT INTO kegs (keg_id, beverage_id, initial_volume_ml, current_volume_ml,"
            "  purchase_price, status) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            {"keg_id", "beverage_id", "initial_volume_ml", "current_volume_ml", "purchase_price",
             "status"});
  load_list(connection, bar, "taps",
            "INSERT INTO taps (tap_id, keg_id, display_name, status) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT DO NOTHING",
            {"tap_id", "keg_id", "display_name", "status"});
  load_list(connection, bar, "guests",
            "INSERT INTO guests (guest_id, last_name, first_name, phone_number, balance, is_active)"
            " VALUES ($1, $2, $3, $4, $5, COALESCE($6, true)) ON CONFLICT DO NOTHING",
            {"guest_id", "last_name", "first_name", "phone_number", "balance", "is_active"});
  load_list(connection, bar, "cards",
            "INSERT INTO cards (card_uid, guest_id, status) VALUES ($1, $2, $3)"
            " ON CONFLICT DO NOTHING",
            {"card_uid", "guest_id", "status"});
}

}  // namespace

void load_seed_file(Connection& connection, const std::filesystem::path& file) {
  std::ifstream stream{file};
  if (!stream) throw std::runtime_error("cannot read the seed file " + file.string());
  load_seed(connection, {std::istreambuf_iterator<char>{stream}, std::istreambuf_iterator<char>{}},
            file.string());
}

void load_seed(Connection& connection, const std::string& text, const std::string& name) {
  const json bar = json::parse(text, nullptr, false);
  if (!bar.is_object()) throw std::runtime_error(name + " is no JSON object");
  try {
    Transaction transaction{connection};
    load_bar(connection, bar);
    transaction.commit();
  } catch (const BadSeed& error) {
    throw std::runtime_error(name + ": " + error.what());
  } catch (const DatabaseError& error) {
    if (!error.is_about_the_values()) throw;
    throw std::runtime_error(name + ": " + error.what());
  }
}

}  // namespace tapd::central
