using System.Linq.Expressions;
using System.Reflection;

namespace CozeCluster.Engine.Embedded;

/// <summary>What stands for the result of a method that has none.</summary>
internal readonly struct Nothing;

/// <summary>One method of a grain interface.</summary>
internal abstract class GrainMethod
{
    protected GrainMethod(MethodInfo method)
    {
        Info = method;
        Parameters = method.GetParameters();
        Interleaves = method.IsDefined(typeof(InterleavesAttribute));
        Idempotent = method.IsDefined(typeof(IdempotentAttribute));
        TokenIndex = Array.FindIndex(Parameters, p => p.ParameterType == typeof(CancellationToken));
        ObserverIndexes = [.. Parameters.Index().Where(p => p.Item.ParameterType.IsAssignableTo(typeof(IObserver))).Select(p => p.Index)];
    }

    public MethodInfo Info { get; }

    public string Name => Info.Name;

    public ParameterInfo[] Parameters { get; }

    public bool Interleaves { get; }

    public bool Idempotent { get; }

    /// <summary>Where among the parameters the token stands; -1 without one.</summary>
    public int TokenIndex { get; }

    /// <summary>Where among the parameters observers stand.</summary>
    public int[] ObserverIndexes { get; }

    /// <summary>The type of the result; null without one.</summary>
    public abstract Type? ResultType { get; }

    /// <summary>Calls a grain.</summary>
    /// <returns>What the interface declares: a task or a value task.</returns>
    public abstract object Call(GrainKind kind, string key, object?[] arguments);

    /// <summary>Calls an observer.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="observer">The observer; null if nobody observes any more.</param>
    /// <param name="arguments">The arguments.</param>
    public abstract object CallObserver(EmbeddedEngine engine, object? observer, object?[] arguments);

    /// <summary>The method as an engine knows it.</summary>
    /// <exception cref="ArgumentException">The method is not of a form that may cross processes.</exception>
    public static GrainMethod Of(MethodInfo method)
    {
        var type = method.ReturnType;
        if (method.IsGenericMethodDefinition || method.GetParameters().Any(p => p.ParameterType.IsByRef))
            throw new ArgumentException($"{method.DeclaringType}.{method.Name} is generic or has parameters by reference, which grain methods cannot have.");
        if (method.GetParameters().Count(p => p.ParameterType == typeof(CancellationToken)) > 1)
            throw new ArgumentException($"{method.DeclaringType}.{method.Name} has more than one cancellation token.");
        if (type == typeof(Task)) return new TaskMethod(method);
        if (type == typeof(ValueTask)) return new ValueTaskMethod(method);
        var definition = type.IsGenericType ? type.GetGenericTypeDefinition() : null;
        if (definition == typeof(Task<>)) return Make(typeof(TaskMethod<>));
        if (definition == typeof(ValueTask<>)) return Make(typeof(ValueTaskMethod<>));
        throw new ArgumentException($"{method.DeclaringType}.{method.Name} is not asynchronous: grain methods return Task or ValueTask.");

        GrainMethod Make(Type of) => (GrainMethod)Activator.CreateInstance(of.MakeGenericType(type.GetGenericArguments()), method)!;
    }

    /// <summary>A delegate that calls the method with arguments from an array, compiled when first needed.</summary>
    protected static Func<object, object?[], TReturn> Compile<TReturn>(MethodInfo method)
    {
        var target = Expression.Parameter(typeof(object));
        var arguments = Expression.Parameter(typeof(object?[]));
        var values = method.GetParameters().Select((p, i) => Expression.Convert(Expression.ArrayIndex(arguments, Expression.Constant(i)), p.ParameterType));
        var call = Expression.Call(Expression.Convert(target, method.DeclaringType!), method, values);
        return Expression.Lambda<Func<object, object?[], TReturn>>(call, target, arguments).Compile();
    }
}

/// <inheritdoc />
/// <typeparam name="T">The result.</typeparam>
internal abstract class GrainMethod<T>(MethodInfo method) : GrainMethod(method)
{
    public override Type? ResultType => typeof(T) == typeof(Nothing) ? null : typeof(T);

    /// <summary>Runs the method on a grain or an observer.</summary>
    public abstract ValueTask<T> Run(object target, object?[] arguments);

    /// <summary>A task in the form the interface declares.</summary>
    public abstract object Shape(ValueTask<T> result);

    public override object Call(GrainKind kind, string key, object?[] arguments)
    {
        var call = new MethodCall<T>(this, kind, key, arguments);
        GrainScheduler.Send(call);
        return Shape(new ValueTask<T>(call.Result));
    }

    public override object CallObserver(EmbeddedEngine engine, object? observer, object?[] arguments)
    {
        if (observer is null) return Shape(ValueTask.FromException<T>(new ClusterException(ErrorCode.EngineRejected, "Nobody observes any more.")));
        // What an observer does is none of the grain's turn.
        var grain = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            var wire = engine.Faults?.Wire;
            var pending = Run(observer, wire is null ? arguments : wire.CopyArguments(this, arguments));
            return Shape(wire is null && pending.IsCompletedSuccessfully ? pending : Await(pending, engine));
        }
        catch (Exception e)
        {
            return Shape(ValueTask.FromException<T>(Failure.ForGrain(e, engine, Name)));
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(grain);
        }
    }

    private async ValueTask<T> Await(ValueTask<T> pending, EmbeddedEngine engine)
    {
        try
        {
            var result = await pending;
            return engine.Faults is { } faults ? faults.Wire.Copy(result) : result;
        }
        catch (Exception e)
        {
            throw Failure.ForGrain(e, engine, Name);
        }
    }
}

internal sealed class TaskMethod<T>(MethodInfo method) : GrainMethod<T>(method)
{
    private Func<object, object?[], Task<T>>? _run;

    public override ValueTask<T> Run(object target, object?[] arguments) => new((_run ??= Compile<Task<T>>(Info))(target, arguments));

    public override object Shape(ValueTask<T> result) => result.AsTask();
}

internal sealed class ValueTaskMethod<T>(MethodInfo method) : GrainMethod<T>(method)
{
    private Func<object, object?[], ValueTask<T>>? _run;

    public override ValueTask<T> Run(object target, object?[] arguments) => (_run ??= Compile<ValueTask<T>>(Info))(target, arguments);

    public override object Shape(ValueTask<T> result) => result;
}

internal sealed class TaskMethod(MethodInfo method) : GrainMethod<Nothing>(method)
{
    private Func<object, object?[], Task>? _run;

    public override ValueTask<Nothing> Run(object target, object?[] arguments)
    {
        var task = (_run ??= Compile<Task>(Info))(target, arguments);
        return task.IsCompletedSuccessfully ? default : Await(task);
    }

    public override object Shape(ValueTask<Nothing> result) => result.AsTask();

    private static async ValueTask<Nothing> Await(Task task)
    {
        await task;
        return default;
    }
}

internal sealed class ValueTaskMethod(MethodInfo method) : GrainMethod<Nothing>(method)
{
    private Func<object, object?[], ValueTask>? _run;

    public override ValueTask<Nothing> Run(object target, object?[] arguments)
    {
        var task = (_run ??= Compile<ValueTask>(Info))(target, arguments);
        return task.IsCompletedSuccessfully ? default : Await(task);
    }

    public override object Shape(ValueTask<Nothing> result) => result.IsCompletedSuccessfully ? default(ValueTask) : new ValueTask(result.AsTask());

    private static async ValueTask<Nothing> Await(ValueTask task)
    {
        await task;
        return default;
    }
}
