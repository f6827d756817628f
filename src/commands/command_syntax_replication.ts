/**
 * Arguments and history of the commands of replication, cluster and modules, in the notation of
 * command_syntax.ts.
 */
export const REPLICATION_SYNTAX = `
CLUSTER ADDSLOTS slot:int...
CLUSTER ADDSLOTSRANGE (start-slot:int end-slot:int)...
CLUSTER COUNT-FAILURE-REPORTS node-id
CLUSTER COUNTKEYSINSLOT slot:int
CLUSTER DELSLOTS slot:int...
CLUSTER DELSLOTSRANGE (start-slot:int end-slot:int)...
CLUSTER FAILOVER [options(FORCE|TAKEOVER)]
CLUSTER FORGET node-id
CLUSTER GETKEYSINSLOT slot:int count:int
CLUSTER KEYSLOT key:string
CLUSTER MEET ip port:int [cluster_bus_port:int^4.0.0]
  4.0.0: 'cluster_bus_port' is new.
CLUSTER REPLICAS node-id
CLUSTER REPLICATE node-id
CLUSTER RESET [(HARD|SOFT)]
CLUSTER SET-CONFIG-EPOCH config-epoch:int
CLUSTER SETSLOT slot:int subcommand(IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE)
CLUSTER SLAVES node-id
  deprecated 5.0.0: 'CLUSTER REPLICAS'
CLUSTER SLOTS
  4.0.0: IDs of the nodes.
  7.0.0: More about the network of the nodes.
  deprecated 7.0.0: 'CLUSTER SHARDS'
FAILOVER [TO target(host port:int [FORCE])] [ABORT] [TIMEOUT milliseconds:int]
MIGRATE host port:int key_or_empty_string(key | empty_string="") destination-db:int timeout:int
    [COPY^3.0.0] [REPLACE^3.0.0]
    [authentication([AUTH password^4.0.7] | [AUTH2 (username password)^6.0.0])]
    [KEYS key@1...^3.0.6]
  3.0.0: 'COPY' and 'REPLACE' are new.
  3.0.6: 'KEYS' is new.
  4.0.7: 'AUTH' is new.
  6.0.0: 'AUTH2' is new.
MODULE LOAD path [arg...]
MODULE LOADEX path [CONFIG... configs(name value)...] [ARGS args(arg)...]
MODULE UNLOAD name
PSYNC replicationid offset:int
REPLCONF
  syscmd
REPLICAOF args(host-port(host port:int) | no-one(NO ONE))
RESTORE-ASKING key ttl:int serialized-value [REPLACE^3.0.0] [ABSTTL^5.0.0]
    [IDLETIME seconds:int^5.0.0] [FREQ frequency:int^5.0.0]
  3.0.0: 'REPLACE' is new.
  5.0.0: 'ABSTTL' is new.
  5.0.0: 'IDLETIME' and 'FREQ' are new.
  syscmd
SLAVEOF args(host-port(host port:int) | no-one(NO ONE))
  deprecated 5.0.0: 'REPLICAOF'
WAIT numreplicas:int timeout:int
WAITAOF numlocal:int numreplicas:int timeout:int
`;
