using CozeCluster.Grains;
using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Engine.Orleans;

// Every grain as Orleans knows it: an interface for references, and a class to be made of. The name is that of the grain's definition.
//
// Placement. Orleans keeps one of each in the cluster wherever it stands. Grains that live long go where the fewest are, which evens out when a silo joins.
// A conversation comes to life where its caller is connected: callers spread over silos by key, and the reply has no other silo to cross. An account does so where the bot that
// asks for it does: every turn asks the one through the other.

internal interface ICatalogOrleansGrain : IGrainWithStringKey, ICatalogGrain;

[GrainType("catalog"), ActivationCountBasedPlacement]
internal sealed class CatalogOrleansGrain(IGrainContext<CatalogState> context, TimeProvider time, ILogger<CatalogGrain> logger)
    : CatalogGrain(context, time, logger), ICatalogOrleansGrain;

internal interface IApiKeyOrleansGrain : IGrainWithStringKey, IApiKeyGrain;

[GrainType("api-key"), ActivationCountBasedPlacement]
internal sealed class ApiKeyOrleansGrain(IGrainContext context, TimeProvider time) : ApiKeyGrain(context, time), IApiKeyOrleansGrain;

internal interface ITenantOrleansGrain : IGrainWithStringKey, ITenantGrain;

[GrainType("tenant"), ActivationCountBasedPlacement]
internal sealed class TenantOrleansGrain(IGrainContext context, TimeProvider time) : TenantGrain(context, time), ITenantOrleansGrain;

internal interface IModelPoolOrleansGrain : IGrainWithStringKey, IModelPoolGrain;

[GrainType("model-pool"), ActivationCountBasedPlacement]
internal sealed class ModelPoolOrleansGrain(IGrainContext<ModelPoolState> context, TimeProvider time) : ModelPoolGrain(context, time), IModelPoolOrleansGrain;

internal interface IBotOrleansGrain : IGrainWithStringKey, IBotGrain;

[GrainType("bot"), ActivationCountBasedPlacement]
internal sealed class BotOrleansGrain(IGrainContext<BotState> context, IEnumerable<IUpstream> upstreams, TimeProvider time, ILogger<BotGrain> logger)
    : BotGrain(context, upstreams, time, logger), IBotOrleansGrain, IRemindable
{
    public Task ReceiveReminder(string reminderName, TickStatus status) => this.Remind(reminderName);
}

internal interface IAccountOrleansGrain : IGrainWithStringKey, IAccountGrain;

[GrainType("account"), PreferLocalPlacement]
internal sealed class AccountOrleansGrain(IGrainContext<AccountState> context, IDiscord discord, TimeProvider time, ILogger<AccountGrain> logger)
    : AccountGrain(context, discord, time, logger), IAccountOrleansGrain;

internal interface IConversationOrleansGrain : IGrainWithStringKey, IConversationGrain;

[GrainType("conversation"), PreferLocalPlacement]
internal sealed class ConversationOrleansGrain(
    IGrainContext<ConversationState> context,
    IEnumerable<IUpstream> upstreams,
    TimeProvider time,
    ConversationOptions options,
    UnsavedTurns unsaved,
    ILogger<ConversationGrain> logger)
    : ConversationGrain(context, upstreams, time, options, unsaved, logger), IConversationOrleansGrain;

internal interface IConversationIndexOrleansGrain : IGrainWithStringKey, IConversationIndexGrain;

[GrainType("conversation-index"), ActivationCountBasedPlacement]
internal sealed class ConversationIndexOrleansGrain(IGrainContext<ConversationIndexState> context, TimeProvider time, ConversationOptions options)
    : ConversationIndexGrain(context, time, options), IConversationIndexOrleansGrain;

internal interface IHealthOrleansGrain : IGrainWithStringKey, IHealthGrain;

[GrainType("health"), ActivationCountBasedPlacement]
internal sealed class HealthOrleansGrain(IGrainContext<HealthRecords> context, IEnumerable<INotifier> notifiers, TimeProvider time, ILogger<HealthGrain> logger)
    : HealthGrain(context, notifiers, time, logger), IHealthOrleansGrain;

internal interface IDiscordSessionOrleansGrain : IGrainWithStringKey, IDiscordSessionGrain;

[GrainType("discord-session"), ActivationCountBasedPlacement]
internal sealed class DiscordSessionOrleansGrain(IGrainContext<DiscordSessionState> context, IDiscord discord, TimeProvider time, ILogger<DiscordSessionGrain> logger)
    : DiscordSessionGrain(context, discord, time, logger), IDiscordSessionOrleansGrain;

internal interface IChannelJanitorOrleansGrain : IGrainWithStringKey, IChannelJanitorGrain;

[GrainType("channel-janitor"), ActivationCountBasedPlacement]
internal sealed class ChannelJanitorOrleansGrain(IGrainContext<ChannelJanitorState> context, IDiscord discord, TimeProvider time, ILogger<ChannelJanitorGrain> logger)
    : ChannelJanitorGrain(context, discord, time, logger), IChannelJanitorOrleansGrain, IRemindable
{
    public Task ReceiveReminder(string reminderName, TickStatus status) => this.Remind(reminderName);
}

internal interface IGuildCategoriesOrleansGrain : IGrainWithStringKey, IGuildCategoriesGrain;

[GrainType("guild-categories"), ActivationCountBasedPlacement]
internal sealed class GuildCategoriesOrleansGrain(IGrainContext<GuildCategoriesState> context, IDiscord discord, TimeProvider time)
    : GuildCategoriesGrain(context, discord, time), IGuildCategoriesOrleansGrain;

internal interface IRunningTurnsOrleansGrain : IGrainWithStringKey, IRunningTurnsGrain;

[GrainType("running-turns"), ActivationCountBasedPlacement]
internal sealed class RunningTurnsOrleansGrain(IGrainContext<RunningTurnsState> context, ILogger<RunningTurnsGrain> logger)
    : RunningTurnsGrain(context, logger), IRunningTurnsOrleansGrain, IRemindable
{
    public Task ReceiveReminder(string reminderName, TickStatus status) => this.Remind(reminderName);
}
