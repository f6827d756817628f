/**
 * Shell completions of the program, made from what it knows itself: the words and options of its
 * help text, and the table of directives. They are made for a release and stored nowhere, so they
 * cannot fall behind.
 *
 * Completed are options, the values of those that have a fixed set of them, the words that start
 * another program of the family, and files.
 */
import { HELP_TEXT } from "../src/config/command_line.ts";
import { type ConfigParameter, configTable } from "../src/config/config_table.ts";
import { ConfigValueError } from "../src/config/config_lexer.ts";

export interface Option {
  /** With its dashes. */
  readonly name: string;
  /** The words that can follow; none if any value can. */
  readonly values: readonly string[];
}

export interface Words {
  /** `check-rdb` and so on, with the options of each. */
  readonly tools: ReadonlyMap<string, readonly string[]>;
  /** All options of the server itself. */
  readonly options: readonly Option[];
}

/** Directives that are no parameters. */
const OTHER_DIRECTIVES = ["include", "rename-command", "user"];

/** What the help text and the table of directives offer. */
export function completionWords(help: string = HELP_TEXT): Words {
  const tools = new Map<string, readonly string[]>();
  const flags: string[] = [];
  for (const [, rest] of help.matchAll(/^(?:Usage:)? +redeno +(.*)$/gm)) {
    const usage = rest.replace(/ {2,}\(.*$/, "");
    const options = usage.match(/(?<![\w-])--?[a-z][\w-]*/g) ?? [];
    const tool = /^([a-z][a-z-]*)(?= |$)/.exec(usage)?.[1];
    if (tool !== undefined) tools.set(tool, options);
    else flags.push(...options.filter((option) => /^(?:-h|-v|--help|--version)$/.test(option)));
  }
  const directives = configTable.flatMap((parameter) =>
    [parameter.name, parameter.alias].filter((name) => name !== "")
      .map((name) => ({ name: `--${name}`, values: valuesOf(parameter) }))
  );
  const others = OTHER_DIRECTIVES.map((name) => ({ name: `--${name}`, values: [] }));
  const options = [...directives, ...others].sort((a, b) => a.name < b.name ? -1 : 1);
  return { tools, options: [...flags.map((name) => ({ name, values: [] })), ...options] };
}

/** The fixed values of a parameter, which it lists when it is given none of them. */
function valuesOf({ kind }: ConfigParameter): string[] {
  if (kind.takesManyWords) return [];
  try {
    kind.parse(["\u0001"], undefined);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigValueError)) return [];
    if (error.message === "argument must be 'yes' or 'no'") return ["yes", "no"];
    const list = /must be one of the following: (.*)$/.exec(error.message)?.[1];
    return list === undefined ? [] : list.split(", ");
  }
}

/** The files of completions by name. */
export function completions(words: Words = completionWords()): Map<string, string> {
  return new Map([
    ["redeno.bash", bashCompletion(words)],
    ["_redeno", zshCompletion(words)],
    ["redeno.fish", fishCompletion(words)],
    ["redeno.ps1", powershellCompletion(words)],
  ]);
}

/** Options with the same values, under those values joined by spaces. */
function optionsByValues({ options }: Words): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { name, values } of options) {
    if (values.length === 0) continue;
    const key = values.join(" ");
    groups.set(key, [...groups.get(key) ?? [], name]);
  }
  return groups;
}

function namesOf({ options }: Words): string {
  return options.map(({ name }) => name).join(" ");
}

function bashCompletion(words: Words): string {
  const tools = [...words.tools].map(([tool, options]) =>
    `    ${tool}) words="${options.join(" ")}" ;;\n`
  ).join("");
  const values = [...optionsByValues(words)].map(([list, names]) =>
    `    ${names.join("|")}) COMPREPLY=($(compgen -W "${list}" -- "$current")); return ;;\n`
  ).join("");
  return `# Completion of redeno for bash; made by scripts/completions.ts.
_redeno() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words
  COMPREPLY=()
  case \${COMP_WORDS[1]} in
${tools}    *) words="${namesOf(words)}"
      if [[ $COMP_CWORD -eq 1 && $current != -* ]]; then
        words="${[...words.tools.keys()].join(" ")}"
      fi ;;
  esac
  case $previous in
${values}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ $current != -* ]]; then COMPREPLY+=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _redeno redeno
`;
}

function zshCompletion(words: Words): string {
  const tools = [...words.tools].map(([tool, options]) =>
    `    ${tool}) options=(${options.join(" ")}) ;;\n`
  ).join("");
  const values = [...optionsByValues(words)].map(([list, names]) =>
    `    ${names.join("|")}) compadd -- ${list}; return ;;\n`
  ).join("");
  return `#compdef redeno
# Completion of redeno for zsh; made by scripts/completions.ts.
_redeno() {
  local -a options
  case $words[2] in
${tools}    *) options=(${namesOf(words)}) ;;
  esac
  case $words[CURRENT-1] in
${values}  esac
  if [[ $PREFIX == -* ]]; then
    compadd -- $options
    return
  fi
  if (( CURRENT == 2 )); then compadd -- ${[...words.tools.keys()].join(" ")}; fi
  _files
}
# Found on $fpath, this file is the body of the function; sourced, it is not.
if [[ $funcstack[1] == _redeno ]]; then _redeno "$@"; else compdef _redeno redeno; fi
`;
}

function fishCompletion(words: Words): string {
  const names = [...words.tools.keys()].join(" ");
  const isServer = `-n "not __fish_seen_subcommand_from ${names}"`;
  const lines = [...words.tools].flatMap(([tool, options]) => [
    `complete -c redeno -n __fish_is_first_arg -a ${tool}`,
    ...options.map((option) =>
      `complete -c redeno -n "__fish_seen_subcommand_from ${tool}" ${fishOption(option)}`
    ),
  ]);
  for (const { name, values } of words.options) {
    const list = values.length === 0 ? "" : ` -x -a "${values.join(" ")}"`;
    lines.push(`complete -c redeno ${isServer} ${fishOption(name)}${list}`);
  }
  return `# Completion of redeno for fish; made by scripts/completions.ts.\n${lines.join("\n")}\n`;
}

function fishOption(option: string): string {
  return option.startsWith("--") ? `-l ${option.slice(2)}` : `-s ${option.slice(1)}`;
}

function powershellCompletion(words: Words): string {
  const list = (items: readonly string[]) => items.map((item) => `'${item}'`).join(", ");
  const tools = [...words.tools].map(([tool, options]) => `    '${tool}' = @(${list(options)})\n`);
  const values = words.options.filter((option) => option.values.length > 0)
    .map(({ name, values }) => `    '${name}' = @(${list(values)})\n`);
  return `# Completion of redeno for PowerShell; made by scripts/completions.ts.
Register-ArgumentCompleter -Native -CommandName redeno, redeno.exe -ScriptBlock {
  param($word, $ast, $position)
  $tools = @{
${tools.join("")}  }
  $values = @{
${values.join("")}  }
  $options = @(${list(words.options.map(({ name }) => name))})
  $given = @($ast.CommandElements | Where-Object { $_.Extent.EndOffset -lt $position } |
    ForEach-Object { $_.ToString() })
  $candidates = if ($given.Count -gt 1 -and $tools.ContainsKey($given[1])) { $tools[$given[1]] }
  elseif ($values.ContainsKey($given[-1])) { $values[$given[-1]] }
  elseif ($given.Count -eq 1) { @($tools.Keys) + $options }
  else { $options }
  $candidates | Where-Object { $_ -like "$word*" } | Sort-Object |
    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`;
}
