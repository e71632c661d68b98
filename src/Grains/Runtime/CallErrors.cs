using Microsoft.Extensions.Logging;
using Orleans.Runtime.Messaging;

namespace CozeCluster.Grains;

/// <summary>
/// Translates the exceptions of all calls to this project's grains, in the grain's silo. Callers receive only <see cref="ClusterException"/> and cancellation,
/// because other exceptions would send types, texts and secrets of a silo to clients. Also removes the mark of <see cref="FirstCall"/>, because the grain is
/// active now.
/// </summary>
internal sealed partial class CallErrors(ILogger<CallErrors> logger) : IIncomingGrainCallFilter
{
    private const string CancelledByGrain = "CozeCluster.CancelledByGrain";

    /// <inheritdoc />
    public async Task Invoke(IIncomingGrainCallContext context)
    {
        if (!CallPolicy.Of(context.InterfaceMethod).IsOwn)
        {
            await context.Invoke();
            return;
        }
        FirstCall.Clear();
        try
        {
            await context.Invoke();
        }
        catch (OperationCanceledException exception)
        {
            exception.Data[CancelledByGrain] = true;
            throw;
        }
        catch (Exception exception) when (exception is not ClusterException)
        {
            LogFailed(logger, exception, context.MethodName, context.TargetId);
            throw Translate(exception);
        }
    }

    /// <summary>Translates an exception into the exception that callers receive.</summary>
    public static Exception Translate(Exception exception) => exception switch
    {
        ClusterException or OperationCanceledException => exception,
        OrleansException { InnerException: ClusterException inner } => inner,
        _ when IsUndelivered(exception) || exception is TimeoutException => Undelivered(exception),
        _ => new ClusterException(ErrorCode.Internal, "The server failed to handle this request. Its log has the details.", inner: exception),
    };

    /// <summary>Creates the error of a call that may not have been delivered.</summary>
    public static ClusterException Undelivered(Exception exception) =>
        new(ErrorCode.CallRejected, "The node that should handle this request did not answer. Retry.", inner: exception);

    /// <summary>
    /// Whether the call reached no activation, or the activation's silo has stopped or failed. The grain directory throws a plain
    /// <see cref="OrleansException"/> while it still maps keys to a failed silo. Grains never throw one, because their exceptions are translated in their silo.
    /// If the storage throws while a grain activates, Orleans wraps the exception in an <see cref="OrleansException"/> as well, but then the inner exception is
    /// a <see cref="ClusterException"/>.
    /// </summary>
    public static bool IsUndelivered(Exception exception) =>
        exception is OrleansMessageRejectionException or SiloUnavailableException or ConnectionFailedException
            or GatewayTooBusyException or ClientNotAvailableException
        || (exception.GetType() == typeof(OrleansException) && exception.InnerException is not ClusterException);

    /// <summary>
    /// Whether Orleans cancelled a call that the caller did not cancel. Orleans cancels the lookup of a grain when the silo that holds that part of the grain
    /// directory fails, and throws that cancellation to the caller.
    /// </summary>
    public static bool IsCancelledByOrleans(Exception exception, CancellationToken callToken) =>
        exception is OperationCanceledException && !callToken.IsCancellationRequested && !exception.Data.Contains(CancelledByGrain);

    [LoggerMessage(1012, LogLevel.Error, "The call {Method} of grain {GrainId} failed")]
    private static partial void LogFailed(ILogger logger, Exception exception, string method, GrainId grainId);
}
