namespace CozeCluster.Discord;

/// <summary>What a gateway connection tells its reader, in order.</summary>
internal abstract record GatewayEvent;

/// <summary>The connection's health changed.</summary>
internal sealed record GatewayStateChanged(DiscordGatewayState State) : GatewayEvent;

/// <summary>A new session began.</summary>
/// <param name="User">The bot itself.</param>
/// <param name="Guilds">Servers it is in, on this shard.</param>
/// <param name="CanReadContent">Whether the application has the message content intent, as far as it says; null if it does not say.</param>
internal sealed record GatewayReady(DiscordUser User, IReadOnlyList<Snowflake> Guilds, bool? CanReadContent) : GatewayEvent;

/// <summary>Events may be missing since then, of any channel: what is watched has to be read again by REST. Told when the connection is ready again.</summary>
internal sealed record GatewayEventsMissed(DateTimeOffset Since) : GatewayEvent;

/// <summary>A message was posted.</summary>
internal sealed record MessageCreated(DiscordMessage Message) : GatewayEvent;

/// <summary>A message was changed; perhaps only what changed is told. Also sent when links of it got their previews.</summary>
internal sealed record MessageUpdated(DiscordMessage Message) : GatewayEvent;

/// <summary>Messages were deleted.</summary>
internal sealed record MessagesDeleted(Snowflake ChannelId, IReadOnlyList<Snowflake> Ids) : GatewayEvent;

/// <summary>Somebody types; holds for ten seconds, or until a message comes.</summary>
internal sealed record TypingStarted(Snowflake ChannelId, Snowflake UserId) : GatewayEvent;

/// <summary>A channel, category or thread was made.</summary>
internal sealed record ChannelCreated(DiscordChannel Channel) : GatewayEvent;

/// <summary>A channel, category or thread was deleted.</summary>
internal sealed record ChannelDeleted(DiscordChannel Channel) : GatewayEvent;

/// <summary>The bot came to a server, or it became available.</summary>
internal sealed record GuildAvailable(Snowflake GuildId) : GatewayEvent;

/// <summary>The bot left a server, or it became unavailable.</summary>
/// <param name="GuildId">The server.</param>
/// <param name="IsOutage">True: for now, by a fault of Discord's; false: the bot is no longer in it.</param>
internal sealed record GuildGone(Snowflake GuildId, bool IsOutage) : GatewayEvent;
