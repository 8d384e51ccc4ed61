# shellcheck shell=bash
# Completion of agentprep(8) in bash.
# Made by packaging/generate.py (make generated): edit packaging/templates or the records.

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
            --root | --policy | --set | --color | --format | --skip | --only | --generation | --limit)
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
            mapfile -t COMPREPLY < <(compgen -W 'default current' -- "$word"; compgen -f -- "$word")
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
                    words='mechanisms.boot= mechanisms.initrd= mechanisms.packages= mechanisms.init= kernel-cmdline.add= kernel-cmdline.remove= kernel-cmdline.keep= kernel-cmdline.longest_sleep= grub-serial.enabled= grub-serial.speed= initrd-hyperv.modules= initrd-hyperv.builds= agent-conf.provisioner= agent-conf.format= agent-conf.filesystem= agent-conf.mount_point= agent-conf.enable_swap= agent-conf.swap_size_mb= cloud-init.swap= ssh-server.client_alive_interval= fstab.rewrite= os-swap.remove= network.nm_controlled= deprovision.enabled= deprovision.user= service.run= limits.command= limits.lock= limits.reserve='
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
                    :*) words='check plan run rollback history explain policy vhd' ;;
                    explain:0) _agentprep_ids "" ;;
                    rollback:0) _agentprep_runs "$1" "$root" ;;
                    vhd:0) words='check convert finish unfinish' ;;
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
        "") words='-h --help --version --root --policy --set --json --quiet --verbose --color' ;;
        check) words='--format --skip --only --root --policy --set --json --quiet --verbose --color -h --help' ;;
        plan) words='--format --skip --only --no-deprovision --root --policy --set --json --quiet --verbose --color -h --help' ;;
        run) words='--format --skip --only --no-deprovision --yes --poweroff --unattended --root --policy --set --json --quiet --verbose --color -h --help' ;;
        rollback) words='--force --root --policy --set --json --quiet --verbose --color -h --help' ;;
        history) words='--root --policy --set --json --quiet --verbose --color -h --help' ;;
        explain) words='--root --policy --set --json --quiet --verbose --color -h --help' ;;
        policy) words='--root --policy --set --json --quiet --verbose --color -h --help' ;;
        vhd) words='--format --force --generation --limit --root --policy --set --json --quiet --verbose --color -h --help' ;;
    esac
}

_agentprep_choices() { # of the option $1
    case $1 in
        --color) words='auto always never' ;;
        --format) words='text json junit markdown html' ;;
        ACTION) words='check convert finish unfinish' ;;
        --generation) words='1 2' ;;
        --limit) words='document gen1 gen2 upload' ;;
    esac
}

_agentprep_values() { # of the value $1 of the policy
    case $1 in
        grub-serial.enabled) words='yes no' ;;
        agent-conf.provisioner) words='auto waagent cloud-init' ;;
        agent-conf.format) words='yes no' ;;
        agent-conf.filesystem) words='ext3 ext4 xfs btrfs' ;;
        agent-conf.enable_swap) words='yes no' ;;
        cloud-init.swap) words='yes no' ;;
        fstab.rewrite) words='yes no' ;;
        os-swap.remove) words='yes no' ;;
        network.nm_controlled) words='auto yes no' ;;
        deprovision.enabled) words='yes no' ;;
        deprovision.user) words='yes no' ;;
        service.run) words='yes no' ;;
    esac
}

_agentprep_ids() { # without those before the last comma in $1
    local id
    for id in architecture agent-package ssh-server kernel-hyperv kernel-udf disk-size disk-layout fstab os-swap numa kernel-cmdline grub-serial floppy initrd-hyperv efi-fallback agent-conf cloud-init network sudo time selinux-labels certification deprovision-hostname deprovision-agent deprovision-cloud-init deprovision-identity deprovision-logs deprovision-histories deprovision-last-shell deprovision deprovision-own-units; do
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
