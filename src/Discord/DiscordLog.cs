using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>What is logged about Discord. Never a prompt, a reply or a token.</summary>
internal static partial class DiscordLog
{
    [LoggerMessage(101, LogLevel.Debug, "Discord answered {Route} with HTTP {Status} (account {Account})")]
    public static partial void Answered(this ILogger logger, Route route, int status, string account);

    [LoggerMessage(102, LogLevel.Information, "Discord limits {Route} for {Wait} (scope {Scope}, account {Account})")]
    public static partial void Limited(this ILogger logger, Route route, TimeSpan wait, string scope, string account);

    [LoggerMessage(103, LogLevel.Information, "Discord failed at {Route} with HTTP {Status}, trying again in {Wait} (account {Account})")]
    public static partial void Retrying(this ILogger logger, Route route, int status, TimeSpan wait, string account);

    [LoggerMessage(104, LogLevel.Information, "The connection to Discord broke at {Route}, trying again in {Wait} (account {Account})")]
    public static partial void Reconnecting(this ILogger logger, Route route, TimeSpan wait, string account);

    [LoggerMessage(105, LogLevel.Warning, "Discord shuts out this address until {Until:O}")]
    public static partial void Banned(this ILogger logger, DateTimeOffset until);

    [LoggerMessage(111, LogLevel.Information, "Listener {Listener}, shard {Shard}: {Phase}. {Reason}")]
    public static partial void Phase(this ILogger logger, string listener, int shard, GatewayPhase phase, string reason);

    [LoggerMessage(112, LogLevel.Error, "Listener {Listener}, shard {Shard}: stopped, {Reason}")]
    public static partial void Fatal(this ILogger logger, string listener, int shard, string? reason);

    [LoggerMessage(113, LogLevel.Warning, "Listener {Listener}, shard {Shard}: events may have been missed since {Since:O}")]
    public static partial void EventsMissed(this ILogger logger, string listener, int shard, DateTimeOffset since);

    [LoggerMessage(114, LogLevel.Warning, "Listener {Listener}: a {Event} event could not be read")]
    public static partial void Unreadable(this ILogger logger, Exception exception, string listener, string @event);

    [LoggerMessage(115, LogLevel.Debug, "Listener {Listener}, shard {Shard}: socket ended, close code {Code}")]
    public static partial void SocketEnded(this ILogger logger, string listener, int shard, int? code);
}
