#compdef piton
# Completion of piton's command line for the Z shell. To have it in every session:
#   piton completions --install zsh

_piton() {
    local line word current=$PREFIX
    local -a words_done shown_done words_open shown_open
    # Behind an open quote, what is typed is what is meant.
    [[ -z ${compstate[quote]} ]] && current=${(Q)PREFIX}
    while IFS= read -r line; do
        word=${line%%$'\t'*}
        if [[ $word == *[/:] ]]; then
            words_open+=("$word")
            shown_open+=("${line/$'\t'/  }")
        else
            words_done+=("$word")
            shown_done+=("${line/$'\t'/  }")
        fi
    done < <("${words[1]}" __complete zsh "${(@Q)words[1,CURRENT-1]}" "$current" 2>/dev/null)
    if (( ${#words_done} + ${#words_open} == 0 )); then
        [[ $current == :* ]] || _files
        return
    fi
    # A folder, or the beginning of an address, goes on: no space behind it.
    (( ${#words_open} )) && compadd -S '' -l -d shown_open -a words_open
    (( ${#words_done} )) && compadd -l -d shown_done -a words_done
}

if [[ ${funcstack[1]} == _piton ]]; then
    _piton "$@"
else
    compdef _piton piton
fi
