//! The commands as Discord is told of them, by its own rules; and the line that a use of one stands for.

use steward::{
    chat::{ArgumentType, CommandSet},
    commands::load_definitions,
    discord::register::{is_registered, line_of, registration},
};

use crate::fake_discord::check::command_faults;

fn commands() -> CommandSet {
    load_definitions().unwrap()
}

#[test]
fn registration_comes_from_the_commands_and_is_taken_by_discord() {
    let wanted = registration(&commands());
    let json = serde_json::to_value(&wanted).unwrap();
    assert_eq!(command_faults(&json), Vec::<String>::new());
    let deps = json.as_array().unwrap().iter().find(|command| command["name"] == "deps").unwrap();
    assert_eq!(deps["options"][0]["name"], "name");
    assert_eq!((&deps["options"][0]["required"], &deps["options"][0]["autocomplete"]), (&true.into(), &true.into()));
    assert_eq!(deps["options"][1]["choices"][0]["value"], "up");
    assert_eq!((&deps["options"][2]["type"], &deps["options"][2]["max_value"]), (&4.into(), &9.into()));
    assert_eq!(json.as_array().unwrap().len(), commands().0.len() + 1, "all commands, and the entry in a message's menu");
}

#[test]
fn what_discord_gives_back_is_known_again_whatever_it_adds() {
    let wanted = registration(&commands());
    let mut given: Vec<serde_json::Value> = serde_json::from_value(serde_json::to_value(&wanted).unwrap()).unwrap();
    for command in &mut given {
        command["id"] = "1187420011223344556".into();
        command["version"] = "1".into();
        command["default_member_permissions"] = serde_json::Value::Null;
        for option in command.get_mut("options").and_then(|options| options.as_array_mut()).into_iter().flatten() {
            // Discord leaves out what is false.
            let object = option.as_object_mut().unwrap();
            object.retain(|_, value| *value != false);
        }
    }
    given.reverse();
    let known: Vec<_> = given.into_iter().map(|command| serde_json::from_value(command).unwrap()).collect();
    assert!(is_registered(&wanted, &known));
    assert!(!is_registered(&wanted, &known[1..]));
}

#[test]
fn each_example_can_be_given_as_options() {
    let commands = commands();
    let mut tried = 0;
    for command in &commands.0 {
        for example in &command.examples {
            let (of, arguments) = commands.parse_line(&example.line).unwrap();
            // An example that is a question belongs to another command.
            if of.name != command.name {
                continue;
            }
            let given: Vec<(String, String)> = arguments.0.clone().into_iter().rev().collect();
            let line = line_of(command, &given);
            let (again, read) = commands.parse_line(&line).unwrap_or_else(|fault| panic!("{line}: {fault:?}"));
            assert_eq!((&again.name, &read), (&command.name, &arguments), "{line} for {}", example.line);
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
}

#[test]
fn a_name_that_is_a_word_of_the_command_stays_a_name() {
    let commands = commands();
    let deps = commands.find("deps").unwrap();
    assert!(deps.arguments.iter().any(|argument| argument.argument_type == ArgumentType::Choice));
    let given = [("depth", "3"), ("name", "up"), ("direction", "down")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let line = line_of(deps, &given);
    assert_eq!(line, "deps \"up\" down depth 3");
    let (_, arguments) = commands.parse_line(&line).unwrap();
    assert_eq!((arguments.find("name"), arguments.find("direction")), (Some("up"), Some("down")));
}
