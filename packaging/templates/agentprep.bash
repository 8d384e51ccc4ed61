# shellcheck shell=bash
# Completion of agentprep(8) in bash.
# @@made@@

_agentprep() {
    local IFS=$' \t\n'
    local line=${COMP_LINE:0:COMP_POINT} command="" option="" root="" prefix="" words="" arguments=0 i last current word
    local -a before
    # Without -r: a blank behind a backslash does not end a word, as on the command line.
    # shellcheck disable=SC2162
    read -a before <<<"$line"
    case $line in *[[:space:]]) before+=("") ;; esac
    last=$((${#before[@]} - 1))
    current=${before[last]#[\"\']}
    for ((i = 1; i < last; i++)); do
        word=${before[i]}
        case $word in
            @@valued@@)
                ((++i))
                if ((i == last)); then option=$word; fi
                if [ "$word" = --root ]; then root=${before[i]}; fi
                ;;
            --root=*) root=${word#*=} ;;
            -*) ;;
            *)
                if [ -n "$command" ]; then
                    ((++arguments))
                else
                    command=$word
                fi
                ;;
        esac
    done
    word=$current
    if [ -z "$option" ]; then
        case $current in
            --*=*) option=${current%%=*} word=${current#*=} prefix=$option= ;;
        esac
    fi

    COMPREPLY=()
    case $option in
        --root)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -d -- "$word")
            ;;
        --policy)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -W '@@policies@@' -- "$word"; compgen -f -- "$word")
            ;;
        --set)
            case $word in
                *=*)
                    prefix=$prefix${word%%=*}=
                    _agentprep_values "${word%%=*}"
                    word=${word#*=}
                    ;;
                *)
                    compopt -o nospace
                    words='@@settings@@'
                    ;;
            esac
            ;;
        --skip | --only)
            compopt -o nospace
            prefix=$prefix${word%"${word##*,}"}
            _agentprep_ids "$word"
            word=${word##*,}
            ;;
        "")
            if [[ $current == -* ]]; then
                _agentprep_options "$command"
            else
                case $command:$arguments in
                    :*) words='@@commands@@' ;;
                    explain:0) _agentprep_ids "" ;;
                    rollback:0) _agentprep_runs "$1" "$root" ;;
                    vhd:0) words='@@actions@@' ;;
                    vhd:[12])
                        compopt -o filenames
                        mapfile -t COMPREPLY < <(compgen -f -- "$word")
                        ;;
                esac
            fi
            ;;
        *) _agentprep_choices "$option" ;;
    esac
    if [ -n "$words" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    fi

    # Readline's own word begins behind the last of its separators; = is one of them unless somebody took it out.
    local separators="" cut=""
    case $COMP_WORDBREAKS in *=*) separators="=" ;; esac
    case $COMP_WORDBREAKS in *:*) separators+=: ;; esac
    if [ -n "$separators" ]; then
        cut=${current%"${current##*["$separators"]}"}
    fi
    for i in "${!COMPREPLY[@]}"; do
        word=$prefix${COMPREPLY[i]}
        COMPREPLY[i]=${word#"$cut"}
    done
}

# What follows sets `words`, a variable of the function above.

_agentprep_options() { # of the command $1
    case $1 in
        "") words='@@alone@@' ;;
        @@options@@
    esac
}

_agentprep_choices() { # of the option $1
    case $1 in
        @@choices@@
    esac
}

_agentprep_values() { # of the value $1 of the policy
    case $1 in
        @@values@@
    esac
}

_agentprep_ids() { # without those before the last comma in $1
    local id
    for id in @@ids@@; do
        case ,${1%"${1##*,}"} in
            *",$id,"*) ;;
            *) words+=" $id" ;;
        esac
    done
}

_agentprep_runs() { # by the command $1 for the guest at $2; only root may see them
    local number rest
    while read -r number rest; do
        case $number in [0-9]*) words+=" $number" ;; esac
    done < <("$1" history ${2:+--root "$2"} 2>/dev/null)
}

complete -F _agentprep agentprep
